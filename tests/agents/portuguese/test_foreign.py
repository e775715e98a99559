"""Spanish and English, which are read word for word as Portuguese."""

from typing import Any

import pytest

SAID: list[tuple[str, str | None, dict[str, Any]]] = [
    ('Buenas, vivo en Bagé y ando buscando una pickup, hasta 78 mil', None, {'city': 'Bagé', 'state': 'RS', 'body_types': ['pickup'], 'budget_max': 78_000}),
    ('no quiero gastar más de 90 mil', None, {'budget_max': 90_000}),
    ('tengo treinta y cinco mil', '¿Cuál es tu presupuesto?', {'budget_max': 35_000}),
    ('por encima de cien mil', None, {'budget_min': 100_000}),
    ('en dos meses', '¿Cuándo?', {'urgency': '1-3_months'}),
    ('no tengo prisa', 'Quando?', {'urgency': 'exploring'}),
    ('vivo en São José dos Campos', None, {'city': 'São José dos Campos', 'state': 'SP'}),
    ("can't go over 115k", None, {'budget_max': 115_000}),
    ("I don't want to spend more than 38k", None, {'budget_max': 38_000}),
    ('from 40 to 50k', None, {'budget_min': 40_000, 'budget_max': 50_000}),
    ('one hundred and ten thousand tops', 'Budget?', {'budget_max': 110_000}),
    ('I need it in about two months', 'When?', {'urgency': '1-3_months'}),
    ('my wife and I retired to Porto Seguro', None, {'city': 'Porto Seguro', 'state': 'BA'}),
    ('no Fiat please', 'Any brand?', {'excluded_brands': ['Fiat']}),
    ('quero fazer um test drive, budget de 50k', None, {'budget_max': 50_000}),
    ('it has to be automatic and cheap on gas', None, {'priorities': ['automatic', 'economy']}),
    ("something that won't break down", 'What matters to you?', {'priorities': ['reliability']}),
    ('just getting around the city', 'How will you use the car?', {'main_use': 'daily_commute'}),
    ('my wife is pregnant so we need more room', None, {'main_use': 'family', 'priorities': ['space']}),
    ('no Fords please', None, {'excluded_brands': ['Ford']}),
    ("I'd rather avoid Renault", None, {'excluded_brands': ['Renault']}),
    ('an HB20 2015', "What's your current car?", {'trade_in': 'Hyundai HB20 2015'}),
    ('que gaste poco y que no me deje tirado', None, {'priorities': ['economy', 'reliability']}),
    ('para pasear los fines de semana', None, {'main_use': 'leisure'}),
    ('cualquier marca menos Fiat', None, {'excluded_brands': ['Fiat']}),
    ('tengo un Gol y quiero cambiarlo por un Polo', None, {'brands': ['Volkswagen'], 'trade_in': 'Volkswagen Gol'}),
    ('moro em Una na Bahia', None, {'city': 'Una', 'state': 'BA'}),
    ('em Rio Branco AC', 'Qual a cidade?', {'city': 'Rio Branco', 'state': 'AC'}),
    ('quero uma Toro Ranch', None, {'brands': ['Fiat']}),
]  # fmt: skip


@pytest.mark.parametrize(('say', 'asked', 'after'), SAID)
def test_a_turn_in_another_language_is_understood(
    known: Any, say: str, asked: str | None, after: dict[str, Any]
) -> None:
    assert known(say, asked) == after


@pytest.mark.parametrize('say', ['yaris ou city', 'um march', 'honda city', 'un carro pra dos filhos'])
def test_a_foreign_word_makes_no_foreign_turn(known: Any, say: str) -> None:
    assert 'city' not in known(say)
