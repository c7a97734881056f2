"""The broker: validates signed alerts, decides who may have them, and delivers them."""
