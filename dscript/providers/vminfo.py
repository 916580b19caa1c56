"""The vminfo provider: statistics of virtual memory (manual, chapter "vminfo Provider")."""

from dscript.providers.statistics import provider

PROVIDER = provider("vminfo", 16_200)
