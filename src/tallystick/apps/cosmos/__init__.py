"""The Cosmos app (cosmos-app): amino JSON and textual transactions, reviewed and signed.

An APDU climbs `handlers` → `session` → `policy`, which reads the payload (`amino`, `textual`) and says what to show; `sign`
runs on the approval alone. The modules are packed as a bundle and loaded under another name, so they import each other
relatively and keep no state of their own; this file is not part of the bundle.
"""
