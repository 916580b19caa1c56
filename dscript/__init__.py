"""dscript: the DTrace D language, compiled to eBPF."""

__version__ = "0.1.0"
