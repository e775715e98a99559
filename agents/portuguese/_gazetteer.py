"""Brazilian municipalities and states by the names people use for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from agent_memory.agents.portuguese._text import keys, longest_by_first

_CLOSE = 88
_FUZZY_FROM = 5

STATES = {
    'acre': 'AC', 'alagoas': 'AL', 'amazonas': 'AM', 'amapa': 'AP', 'bahia': 'BA', 'ceara': 'CE', 'distrito federal': 'DF',
    'espirito santo': 'ES', 'goias': 'GO', 'maranhao': 'MA', 'minas gerais': 'MG', 'minas': 'MG', 'mato grosso do sul': 'MS',
    'mato grosso': 'MT', 'para': 'PA', 'paraiba': 'PB', 'pernambuco': 'PE', 'piaui': 'PI', 'parana': 'PR', 'rio de janeiro': 'RJ',
    'rio grande do norte': 'RN', 'rondonia': 'RO', 'roraima': 'RR', 'rio grande do sul': 'RS', 'santa catarina': 'SC',
    'sergipe': 'SE', 'sao paulo': 'SP', 'tocantins': 'TO',
}  # fmt: skip
UFS = frozenset(STATES.values())

_NICKNAMES = {
    'bh': ('Belo Horizonte', 'MG'), 'beaga': ('Belo Horizonte', 'MG'), 'belzonte': ('Belo Horizonte', 'MG'), 'belo': ('Belo Horizonte', 'MG'),
    'sampa': ('São Paulo', 'SP'), 'sp capital': ('São Paulo', 'SP'), 'capital paulista': ('São Paulo', 'SP'), 'terra da garoa': ('São Paulo', 'SP'),
    'rio': ('Rio de Janeiro', 'RJ'), 'erre jota': ('Rio de Janeiro', 'RJ'), 'rj capital': ('Rio de Janeiro', 'RJ'), 'cidade maravilhosa': ('Rio de Janeiro', 'RJ'),
    'floripa': ('Florianópolis', 'SC'), 'poa': ('Porto Alegre', 'RS'), 'portinho': ('Porto Alegre', 'RS'), 'porto': ('Porto Alegre', 'RS'),
    'ctba': ('Curitiba', 'PR'), 'cwb': ('Curitiba', 'PR'), 'curita': ('Curitiba', 'PR'), 'bsb': ('Brasília', 'DF'), 'gyn': ('Goiânia', 'GO'),
    'jampa': ('João Pessoa', 'PB'), 'fortal': ('Fortaleza', 'CE'), 'ssa': ('Salvador', 'BA'), 'vix': ('Vitória', 'ES'), 'slz': ('São Luís', 'MA'),
    'sao luiz': ('São Luís', 'MA'), 'the': ('Teresina', 'PI'), 'mao': ('Manaus', 'AM'), 'cgr': ('Campo Grande', 'MS'), 'cba': ('Cuiabá', 'MT'),
    'sjc': ('São José dos Campos', 'SP'), 'sao jose dos campo': ('São José dos Campos', 'SP'), 'sjrp': ('São José do Rio Preto', 'SP'),
    'rio preto': ('São José do Rio Preto', 'SP'), 'sbc': ('São Bernardo do Campo', 'SP'), 'sao bernardo': ('São Bernardo do Campo', 'SP'),
    'scs': ('São Caetano do Sul', 'SP'), 'sao caetano': ('São Caetano do Sul', 'SP'), 'prudente': ('Presidente Prudente', 'SP'),
    'ribeirao': ('Ribeirão Preto', 'SP'), 'rib preto': ('Ribeirão Preto', 'SP'), 'mogi': ('Mogi das Cruzes', 'SP'), 'jf': ('Juiz de Fora', 'MG'),
    'juiz fora': ('Juiz de Fora', 'MG'), 'uba': ('Ubá', 'MG'), 'udi': ('Uberlândia', 'MG'), 'moc': ('Montes Claros', 'MG'), 'gv': ('Governador Valadares', 'MG'),
    'valadares': ('Governador Valadares', 'MG'), 'conquista': ('Vitória da Conquista', 'BA'), 'feira': ('Feira de Santana', 'BA'),
    'foz': ('Foz do Iguaçu', 'PR'), 'foz do iguacu': ('Foz do Iguaçu', 'PR'), 'bc': ('Balneário Camboriú', 'SC'), 'balneario': ('Balneário Camboriú', 'SC'),
    'jlle': ('Joinville', 'SC'), 'jaragua': ('Jaraguá do Sul', 'SC'), 'caxias sul': ('Caxias do Sul', 'RS'), 'nh': ('Novo Hamburgo', 'RS'),
    'sao leo': ('São Leopoldo', 'RS'), 'santa cruz do sul': ('Santa Cruz do Sul', 'RS'), 'passo fundo': ('Passo Fundo', 'RS'),
    'nikity': ('Niterói', 'RJ'), 'nit': ('Niterói', 'RJ'), 'caxias rj': ('Duque de Caxias', 'RJ'), 'campos': ('Campos dos Goytacazes', 'RJ'),
    'cachoeiro': ('Cachoeiro de Itapemirim', 'ES'), 'jaboatao': ('Jaboatão dos Guararapes', 'PE'), 'campina': ('Campina Grande', 'PB'),
    'juazeiro do norte': ('Juazeiro do Norte', 'CE'), 'aparecida': ('Aparecida de Goiânia', 'GO'), 'lem': ('Luís Eduardo Magalhães', 'BA'),
    'sj dos pinhais': ('São José dos Pinhais', 'PR'), 'sjp': ('São José dos Pinhais', 'PR'), 'pg': ('Ponta Grossa', 'PR'), 'maringa': ('Maringá', 'PR'),
    'ceilandia': ('Brasília', 'DF'), 'aguas claras': ('Brasília', 'DF'), 'samambaia': ('Brasília', 'DF'), 'hellcife': ('Recife', 'PE'), 'hell cife': ('Recife', 'PE'),
    'sanja': ('São José dos Campos', 'SP'), 'sorocity': ('Sorocaba', 'SP'), 'sao goncalo rj': ('São Gonçalo', 'RJ'), 'cidade morena': ('Campo Grande', 'MS'),
    'manaos': ('Manaus', 'AM'), 'paranagua': ('Paranaguá', 'PR'), 'piri': ('Pirenópolis', 'GO'), 'londres': ('Londrina', 'PR'), 'londrix': ('Londrina', 'PR'),
    'pequena londres': ('Londrina', 'PR'), 'baea': ('Belo Horizonte', 'MG'), 'santos sp': ('Santos', 'SP'),
}  # fmt: skip
# Nicknames that are everyday words or the real names of other places: only where a home is being told.
WEAK_NICKNAMES = frozenset(
    [
        'rio',
        'belo',
        'porto',
        'feira',
        'conquista',
        'campos',
        'campina',
        'aparecida',
        'mao',
        'the',
        'foz',
        'bc',
        'ribeirao',
        'mogi',
        'pg',
        'gv',
        'jaragua',
        'prudente',
        'londres',
        'piri',
        'uba',
        'nit',
        'lem',
        'moc',
        'balneario',
        'sao_bernardo',
    ]
)
# Names of municipalities that are everyday words too: only where a home is being told, or with their state.
_EVERYDAY = frozenset(
    keys_text
    for keys_text in [
        'alegria',
        'alegre',
        'alianca',
        'amparo',
        'bandeirante',
        'bandeirantes',
        'barra',
        'bonito',
        'boa vista',
        'bom sucesso',
        'campo alegre',
        'central',
        'colina',
        'colorado',
        'conceicao',
        'condor',
        'cruz',
        'cruzeiro',
        'descanso',
        'esperanca',
        'estrela',
        'estrela do norte',
        'extrema',
        'feliz',
        'ferros',
        'flores',
        'formosa',
        'fortuna',
        'gloria',
        'independencia',
        'jardim',
        'jardim alegre',
        'lagoa',
        'mata',
        'maravilha',
        'mundo novo',
        'natal',
        'nova era',
        'novo horizonte',
        'ouro',
        'ouro branco',
        'ouro verde',
        'palma',
        'palmas',
        'palmeira',
        'passagem',
        'pedra',
        'piedade',
        'pilar',
        'planalto',
        'posse',
        'prata',
        'prado',
        'progresso',
        'primavera',
        'princesa',
        'rosario',
        'salgueiro',
        'saudade',
        'saudades',
        'serra',
        'soledade',
        'sombrio',
        'sorriso',
        'tapera',
        'terra nova',
        'triunfo',
        'turmalina',
        'uniao',
        'vargem',
        'varzea',
        'vera cruz',
        'vertentes',
        'viana',
        'vitoria',
        'rio novo',
        'rio verde',
        'agua boa',
        'aguas claras',
        'boa esperanca',
        'bom jardim',
        'bom jesus',
        'bom retiro',
        'candeias',
        'caldas novas',
        'capela',
        'castelo',
        'centro novo',
        'cristal',
        'diamante',
        'faro',
        'garca',
        'graca',
        'ibis',
        'imbe',
        'laje',
        'lajes',
        'luz',
        'major',
        'marco',
        'marau',
        'maria da fe',
        'mari',
        'milagres',
        'mira',
        'moita',
        'monte',
        'mineiros',
        'nobres',
        'nova',
        'nova uniao',
        'ponte nova',
        'porteiras',
        'porto',
        'portao',
        'quatro pontes',
        'rica',
        'riachao',
        'rio',
        'salto',
        'santa',
        'santana',
        'santo',
        'santos',
        'sape',
        'segredo',
        'sao paulo',
        'silva',
        'simoes',
        'sitio novo',
        'tio hugo',
        'torres',
        'touros',
        'tres coroas',
        'tupi',
        'valenca',
        'valente',
        'vale verde',
        'vargem bonita',
        'verdejante',
        'vista alegre',
        'xavantina',
        'outro',
        'novo',
        'casa nova',
        'americano',
        'americana',
        'brasil novo',
        'brasileira',
        'caridade',
        'careiro',
        'carmo',
        'carneiros',
        'carnaubal',
        'casca',
        'confins',
        'coronel',
        'curral novo',
        'divina',
        'escada',
        'embu',
        'grandes rios',
        'guia',
        'lobato',
        'mercedes',
        'mirador',
        'morro',
        'paz',
        'paulista',
        'pombal',
        'pombos',
        'remanso',
        'reserva',
        'resende',
        'rolandia',
        'rubi',
        'solidao',
        'sul',
        'sossego',
        'tabuleiro',
        'tenente',
        'trindade',
        'una',
        'urania',
        'valentim',
        'vicosa',
        'iguatemi',
        'cascavel',
        'campos',
        'assis',
        'bastos',
        'bento',
        'carlos',
        'chaves',
        'chiador',
        'dobrada',
        'douradina',
        'espera feliz',
        'esmeraldas',
        'exu',
        'fronteira',
        'general',
        'guaraci',
        'ico',
        'inga',
        'itau',
        'lima',
        'lindoia',
        'macaparana',
        'machado',
        'madre',
        'matinha',
        'matinhos',
        'medina',
        'messias',
        'monteiro',
        'moreno',
        'mutum',
        'orleans',
        'ourolandia',
        'panorama',
        'pato',
        'penha',
        'pereiras',
        'peixe',
        'pedras altas',
        'pinhal',
        'pinheiro',
        'pinheiros',
        'pintadas',
        'pirapora',
        'pocos',
        'pontal',
        'pontao',
        'praia grande',
        'presidente',
        'queimadas',
        'regeneracao',
        'registro',
        'retiro',
        'saltinho',
        'seara',
        'selvagem',
        'sumare',
        'sete',
        'socorro',
        'tomar',
        'tigre',
        'toledo',
        'treviso',
        'turvo',
        'urso',
        'vazante',
        'vertente',
        'videira',
        'vidal',
        'virginia',
        'votorantim',
        'anta',
        'ancora',
        'areia',
        'areial',
        'areias',
        'arco iris',
        'aurora',
        'barro',
        'bom conselho',
        'cabo verde',
        'caiana',
        'camocim',
        'canela',
        'capitolio',
        'cedro',
        'cidade gaucha',
        'colinas',
        'contenda',
        'cotia',
        'cordeiro',
        'corrente',
        'correntes',
        'encantado',
        'faxinal',
        'floresta',
        'floresta azul',
        'guariba',
        'jaguar',
        'linha nova',
        'lontras',
        'mar vermelho',
        'marmeleiro',
        'nova esperanca',
        'paraiso',
        'passa tempo',
        'patos',
        'pavao',
        'perola',
        'pirai',
        'piquete',
        'ponto belo',
        'ponto novo',
        'porto feliz',
        'porto real',
        'quadra',
        'rainha',
        'rodeio',
        'sabia',
        'salinas',
        'santa fe',
        'serrana',
        'sertao',
        'tambau',
        'tanque novo',
        'terra boa',
        'teutonia',
        'tombos',
        'tres passos',
        'varginha',
        'vila nova',
        'volta redonda',
        'xique xique',
        'abadia',
        'acucena',
        'bananal',
        'bom repouso',
        'bom lugar',
        'buri',
        'cajueiro',
    ]
) - {
    'sao paulo',
    'volta redonda',
    'varginha',
    'toledo',
    'resende',
    'caldas novas',
    'praia grande',
    'americana',
    'sumare',
    'camocim',
    'cascavel',
}


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality by name, with the states that have one."""

    city: str
    states: tuple[str, ...]
    """Every state with a municipality of this name; a single one for a capital, which wins over its namesakes."""
    everyday: bool = False
    """Whether the name is an everyday word too."""

    @property
    def state(self) -> str | None:
        """The state, when the name alone tells."""
        return self.states[0] if len(self.states) == 1 or self.capital else None

    capital: bool = False


@cache
def places() -> tuple[dict[str, Place], dict[str, int]]:
    """Return the places by folded name, and for each first word the length in words of the longest name."""
    text = (files('agent_memory.agents.portuguese') / 'data' / 'municipalities.json').read_text(encoding='utf-8')
    by_state: dict[str, list[str]] = json.loads(text)
    capitals = {cities[0]: state for state, cities in by_state.items()}
    found: dict[str, Place] = {}
    states_of: dict[str, list[str]] = {}
    official: dict[str, str] = {}
    for state, cities in by_state.items():
        for city in cities:
            key = ' '.join(keys(city))
            official.setdefault(key, city)
            states_of.setdefault(key, []).append(state)
    for key, states in states_of.items():
        city = official[key]
        capital = capitals.get(city)
        ordered = tuple(sorted(states, key=lambda state: state != capital))
        found[key] = Place(city, ordered, key in _EVERYDAY, capital is not None)
    for key in list(found):
        if ' d ' in key:
            found.setdefault(key.replace(' d ', ' do '), found[key])
            found.setdefault(key.replace(' d ', ' d'), found[key])
    for name, (city, state) in _NICKNAMES.items():
        weak = name in WEAK_NICKNAMES
        if name not in found or not weak:
            found[name] = Place(city, (state,), weak, True)
    return found, longest_by_first(found)


def closest(name: str) -> Place | None:
    """Return the place whose name is one slip away from `name`."""
    if len(name) < _FUZZY_FROM:
        return None
    names = _names()
    found = process.extract(name, names, scorer=fuzz.ratio, score_cutoff=80, limit=5)
    known = places()[0]
    near = [
        (known[other].capital, score, other)
        for other, score, _ in found
        if score >= _CLOSE or OSA.distance(name, other) == 1
    ]
    return known[max(near, key=lambda item: item[1] + 3 * item[0])[2]] if near else None


@cache
def _names() -> list[str]:
    return [name for name in places()[0] if len(name) >= _FUZZY_FROM]
