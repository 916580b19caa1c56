"""The fsinfo provider: operations on files (Dynamic Tracing Guide, "fsinfo Provider")."""

from dscript.providers.statistics import provider

PROVIDER = provider("fsinfo", 16_600)
