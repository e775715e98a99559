"""Where the lead agent's cars come from: a stock file, or a dealer's recommendation service."""

from __future__ import annotations

from pathlib import Path

from agent_memory.agents.catalogue._breaker import Breaker
from agent_memory.agents.catalogue._http import HttpCatalogue
from agent_memory.agents.catalogue._stock import DEMO_STOCK, StockCatalogue
from agent_memory.catalogue import CarCatalogue

__all__ = ['DEMO_STOCK', 'Breaker', 'HttpCatalogue', 'StockCatalogue', 'open_catalogue']


def open_catalogue(where: str | Path) -> CarCatalogue:
    """Return the catalogue of a stock file, or of the service at an `http` or `https` URL."""
    is_url = str(where).startswith(('http://', 'https://'))
    return HttpCatalogue(str(where)) if is_url else StockCatalogue(where)
