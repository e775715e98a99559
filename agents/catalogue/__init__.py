"""Where the lead agent's cars come from: a stock file, or a dealer's recommendation service."""

from agent_memory.agents.catalogue._breaker import Breaker
from agent_memory.agents.catalogue._http import HttpCatalogue
from agent_memory.agents.catalogue._stock import DEMO_STOCK, StockCatalogue

__all__ = ['DEMO_STOCK', 'Breaker', 'HttpCatalogue', 'StockCatalogue']
