/* Probes of programs are declared with dscript -h; a D program needs nothing of this. */
