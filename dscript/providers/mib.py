"""The mib provider: the counters of network protocols (manual, chapter "mib Provider")."""

from dscript.providers.statistics import provider

PROVIDER = provider("mib", 16_400)
