"""The bundled trainer (torch): member-stacked networks under muP, sweeps, and their store.

``sims.settings`` and ``sims.commands`` import without torch; ``sims.sweep.run`` trains a setting and
returns its table, ``sims.store.load`` reads the table of a run directory.
"""
