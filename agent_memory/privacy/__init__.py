"""What people may ask of their data, and what a business can prove: audit, consent, requests, export, erasure."""
