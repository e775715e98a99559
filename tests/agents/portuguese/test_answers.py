"""Answers that mean something only against the question."""

from typing import Any

import pytest

ANSWERS: list[tuple[str, str, str, Any]] = [
    ('Renault', 'Qual marca você não compraria de jeito nenhum?', 'excluded_brands', ['Renault']),
    ('correto', 'Quer evitar Renault, certo?', 'excluded_brands', ['Renault']),
    ('1,2', '1) economia 2) espaço 3) segurança', 'priorities', ['economy', 'space']),
    ('só o primeiro', 'Economia ou conforto?', 'priorities', ['economy']),
    ('carro de passeio normal', 'Tipo de carro?', 'main_use', None),
    ('monto móveis, levo furadeira e escada', 'Usaria como?', 'main_use', 'cargo_work'),
    ('um palio 2012', 'Que legal! Qual o seu hoje?', 'brands', None),
    ('um mobi', 'Como troca? A loja avalia. Quer levar qual?', 'brands', ['Fiat']),
    ('edge', 'Qual modelo?', 'brands', ['Ford']),
    ('o primeiro', 'Prefere Onix ou HB20?', 'brands', ['Chevrolet']),
    ('honda não, o outro', 'Honda ou Toyota?', 'brands', ['Toyota']),
    ('só jac', 'Alguma marca fora de cogitação?', 'excluded_brands', ['JAC']),
    ('sedan não, o outro', 'Seria o hatch ou o sedan?', 'body_types', ['hatch']),
    ('a do meio', 'Hatch, sedan ou SUV?', 'body_types', ['sedan']),
    ('the second one', 'Hatch or sedan?', 'body_types', ['sedan']),
    ('na mosca', 'Então você quer uma picape?', 'body_types', ['pickup']),
    ('1', 'O que importa mais? 1 economia 2 conforto 3 segurança', 'priorities', ['economy']),
    ('auto', 'Manual ou automático?', 'priorities', ['automatic']),
    ('ter menos de 65 mil km', 'O que não abre mão?', 'priorities', ['low_mileage']),
    ('de 2019 pra cima', 'Alguma exigência?', 'priorities', ['newer_year']),
    ('de 2019 pra cima', 'Qual carro procura?', 'priorities', None),
    ('meu carro tem menos de 60 mil km', 'O que importa?', 'priorities', None),
    ('na BR mesmo, vou mto visitar os filhos em curitiba', 'Vai usar mais onde?', 'main_use', 'travel'),
    ('pego a Dutra toda sexta', 'Roda mais onde?', 'main_use', 'travel'),
    ('cidade', 'Cidade ou estrada?', 'main_use', 'daily_commute'),
    ('depois da colheita', 'Pra quando precisa?', 'main_use', None),
    ('que ande bem na estrada', 'O que valoriza?', 'main_use', None),
]


@pytest.mark.parametrize(('say', 'asked', 'field', 'value'), ANSWERS)
def test_an_answer_is_read_by_what_was_asked(known: Any, say: str, asked: str, field: str, value: Any) -> None:
    assert known(say, asked).get(field) == value
