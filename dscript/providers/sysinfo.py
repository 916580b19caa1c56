"""The sysinfo provider: system statistics (manual, chapter "sysinfo Provider")."""

from dscript.providers.statistics import provider

PROVIDER = provider("sysinfo", 16_000)
