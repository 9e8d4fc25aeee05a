"""The commands of ``stage1``, by what they are for: their options and one call each. ``flows.cli`` lists them.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""
