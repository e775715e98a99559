"""What is wanted and refused of the brands and models that a turn names."""

from typing import Any

import pytest

BRANDS: list[tuple[str, list[str], list[str]]] = [
    ('honda não, prefiro toyota mesmo', ['Toyota'], ['Honda']),
    ('fiat ou vw, nada de ford', ['Fiat', 'Volkswagen'], ['Ford']),
    ('fiat não me agrada', [], ['Fiat']),
    ('gosto mais de Honda do que Toyota', ['Honda'], []),
    ('um Peugeot 208 ou C3', ['Peugeot', 'Citroën'], []),
    ('tô vendendo meu Celta pra comprar um Argo', ['Fiat'], []),
    ('minha irmã comprou um Kwid e odiou', [], []),
    ('a fiat, ford e jeep nem pensar', [], ['Fiat', 'Ford', 'Jeep']),
    ('quero um hiundai', ['Hyundai'], []),
    ('que gol do Palmeiras', [], []),
    ('gosto de Fiat, mas melhor só Honda', ['Honda'], []),
    ('gosto de Fiat e Ford. só Fiat mesmo', ['Fiat'], []),
    ('só Honda ou Toyota', ['Honda', 'Toyota'], []),
    ('não me atraem os carros da Renault', [], ['Renault']),
    ('quanto à Ford, tive uma experiência terrível', [], ['Ford']),
    ('nunca tive problema com Ford', [], []),
    ('renault é furada', [], ['Renault']),
    ('vcs teriam Toro aí pra vender?', ['Fiat'], []),
    ('meu Toro está pra vender', [], []),
    ('meu esposo tem um Ka', [], []),
    ('S10 ou Hilux. L200 meu vizinho tem, mas essa eu não quero', ['Chevrolet', 'Toyota'], []),
    ('a Peugeot é bonita mas dessa marca eu não compro', [], ['Peugeot']),
    ('Jeep é caro demais, prefiro Honda', ['Honda'], []),
    ('eu queria mesmo era um Kicks', ['Nissan'], []),
    ('Honda ou Toyota, se não tiver pode ser Hyundai', ['Honda', 'Toyota', 'Hyundai'], []),
    ('não tenho interesse em Hyundai', [], ['Hyundai']),
    ('a honda me deixou na mão, tô fora', [], ['Honda']),
    ('francês não, tipo renault e peugeot', [], ['Renault', 'Peugeot']),
    ('moro perto da Toyota', [], []),
    ('hoje rodo de Gol', [], []),
    ('mobi ou up, dou minha biz e completo', ['Fiat', 'Volkswagen'], []),
    ('70 contando com o fox', [], []),
    ('tô entre city e virtus', ['Honda', 'Volkswagen'], []),
    ('up ou kwid, o que tiver', ['Volkswagen', 'Renault'], []),
    ('preciso de um 4x4 2015', [], []),
    ('moro em Crato', [], []),
    ('Hyundai e Kia eu descarto', [], ['Hyundai', 'Kia']),
    ('de chevrolet eu quero distância', [], ['Chevrolet']),
    ('prefiro toyota a honda', ['Toyota'], []),
    ('carro da minha mãe é um etios', [], []),
    ('tenho uma padaria e preciso de uma fiorino', ['Fiat'], []),
]


@pytest.mark.parametrize(('say', 'wanted', 'refused'), BRANDS)
def test_brands(known: Any, say: str, wanted: list[str], refused: list[str]) -> None:
    after = known(say)

    assert (after.get('brands', []), after.get('excluded_brands', [])) == (wanted, refused)
