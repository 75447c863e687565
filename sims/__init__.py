"""The bundled trainer (torch): member-stacked networks under muP, sweeps, and their store."""
