"""The words that a Brazilian buyer reads for each value of the profile."""

from __future__ import annotations

from agent_memory.lead import BodyType, MainUse, Payment, Priority, Urgency

USES = {
    MainUse.DAILY_COMMUTE: 'o dia a dia',
    MainUse.FAMILY: 'a família',
    MainUse.APP_DRIVER: 'trabalho com aplicativo',
    MainUse.CARGO_WORK: 'carga e trabalho',
    MainUse.TRAVEL: 'viagens',
    MainUse.OFFROAD_RURAL: 'estrada de terra',
    MainUse.LEISURE: 'lazer',
    MainUse.BUSINESS: 'empresa',
}
BODIES = {
    BodyType.HATCH: 'hatch',
    BodyType.SEDAN: 'sedã',
    BodyType.SUV: 'SUV',
    BodyType.PICKUP: 'picape',
    BodyType.MINIVAN: 'minivan',
    BodyType.WAGON: 'perua',
    BodyType.VAN: 'van',
    BodyType.COUPE: 'cupê',
    BodyType.CONVERTIBLE: 'conversível',
}
PRIORITIES = {
    Priority.ECONOMY: 'economia',
    Priority.LOW_MAINTENANCE: 'manutenção barata',
    Priority.RELIABILITY: 'confiabilidade',
    Priority.SAFETY: 'segurança',
    Priority.COMFORT: 'conforto',
    Priority.SPACE: 'espaço',
    Priority.PERFORMANCE: 'desempenho',
    Priority.TECHNOLOGY: 'tecnologia',
    Priority.RESALE_VALUE: 'boa revenda',
    Priority.LOW_MILEAGE: 'baixa quilometragem',
    Priority.AUTOMATIC: 'câmbio automático',
    Priority.DESIGN: 'visual',
    Priority.NEWER_YEAR: 'ano recente',
    Priority.AIR_CONDITIONING: 'ar-condicionado',
}
URGENCIES = {
    Urgency.IMMEDIATE: 'para já',
    Urgency.ONE_TO_THREE_MONTHS: 'em até três meses',
    Urgency.THREE_TO_SIX_MONTHS: 'em até seis meses',
    Urgency.EXPLORING: 'sem pressa',
}
PAYMENTS = {
    Payment.CASH: 'à vista',
    Payment.FINANCING: 'financiado',
    Payment.CONSORTIUM: 'por consórcio',
}


def money(amount: int) -> str:
    """Return an amount as Brazilians write it: `R$ 60.000`."""
    return f'R$ {amount:,}'.replace(',', '.')
