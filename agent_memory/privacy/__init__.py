"""What people may ask of their data, and what a business can prove: audit, consent, requests, export, erasure."""

from agent_memory.privacy._audit import Audit, Verdict
from agent_memory.privacy._dossier import Dossier, Explanation
from agent_memory.privacy._forget import Eraser, Found, reconcile
from agent_memory.privacy._receipt import Receipt, Signer, verify_receipt
from agent_memory.privacy._rights import Request, Rights

__all__ = [
    'Audit',
    'Dossier',
    'Eraser',
    'Explanation',
    'Found',
    'Receipt',
    'Request',
    'Rights',
    'Signer',
    'Verdict',
    'reconcile',
    'verify_receipt',
]
