/*
 * jobs.d - the probes of a program that works off jobs.
 *
 * `dscript -h -s jobs.d` makes jobs.h of this, which jobs.c and jobs.cc include; two underscores
 * are a hyphen in the probe's name.
 */
provider jobs {
	probe job__start(int number, char *name);
	probe job__done(int number, int64_t result);
};
