"""The main job on this machine: agencies, a hub, partner systems, signed alerts; one table of what became of them."""
