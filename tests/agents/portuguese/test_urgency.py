"""When the car is wanted: by month, date, holiday and season, and what is the time of something else."""

from typing import Any

import pytest

WHEN = 'Pra quando você precisa?'
TIMES: list[tuple[str, str | None, str | None]] = [
    ('antes da páscoa', WHEN, 'immediate'),
    ('depois da páscoa', WHEN, '1-3_months'),
    ('até o dia das mães', WHEN, '1-3_months'),
    ('só depois do são joão', WHEN, '3-6_months'),
    ('dia dos pais', WHEN, '3-6_months'),
    ('depois do carnaval', WHEN, 'exploring'),
    ('depois da copa', WHEN, '3-6_months'),
    ('no réveillon', WHEN, 'exploring'),
    ('antes das aulas, agosto', 'E quer pra logo?', '3-6_months'),
    ('antes de julho', WHEN, '1-3_months'),
    ('quero comprar antes do natal', None, 'exploring'),
    ('me mudei pra Natal', None, None),
    ('adoro o verão', None, None),
    ('no inverno', WHEN, '3-6_months'),
    ('mês 6', WHEN, '1-3_months'),
    ('até 30/04', WHEN, '1-3_months'),
    ('em 2027', WHEN, 'exploring'),
    ('fim desse mês', WHEN, 'immediate'),
    ('bimestre que vem', WHEN, '1-3_months'),
    ('esse fds', WHEN, 'immediate'),
    ('um up ou march', None, None),
    ('sem data definida', WHEN, 'exploring'),
    ('quando pintar uma oportunidade', WHEN, 'exploring'),
    ('nem que seja amanhã', WHEN, 'immediate'),
    ('a month or two', WHEN, '1-3_months'),
    ('by Friday', WHEN, 'immediate'),
    ('a mitad de año', WHEN, '3-6_months'),
    ('te chamo semana que vem', None, None),
    ('o financiamento acaba em agosto', None, None),
    ('vocês entregam em 10 dias?', None, None),
    ('meu carro foi roubado, preciso rápido', None, 'immediate'),
    ('em abril faço 30 anos', None, None),
    ('the sooner the better', WHEN, 'immediate'),
    ('pressa zero', WHEN, 'exploring'),
    ('tenho pressa não', WHEN, 'exploring'),
    ('precisa pra logo não', WHEN, 'exploring'),
    ('me apuro não, vou olhando', WHEN, 'exploring'),
    ('dá pra esperar', WHEN, 'exploring'),
    ('não posso esperar', WHEN, 'immediate'),
    ('viajo em julho', None, None),
    ('meu seguro vence em maio', None, None),
    ('bebê nasce em junho e quero trocar antes', None, '1-3_months'),
    ('vou casar em maio e queria um sedan até lá', None, '1-3_months'),
    ('minha esposa quer antes, em abril', None, '1-3_months'),
    ('pego a BR todo fim de mês', None, None),
    ('vendi o meu semana passada, tô a pé', None, None),
]


@pytest.mark.parametrize(('say', 'asked', 'urgency'), TIMES)
def test_when_the_car_is_wanted(known: Any, say: str, asked: str | None, urgency: str | None) -> None:
    assert known(say, asked).get('urgency') == urgency
