#!/usr/bin/env -S dscript -s
/*
 * cppthrows.d - which C++ exceptions are thrown, and by what code?
 *
 * Counts exceptions by type and by the function that throws, until the program ends or
 * Ctrl-C: exceptions that a program throws all day and catches again cost more than they
 * seem to.
 *
 * Usage: cppthrows.d -c COMMAND
 *        cppthrows.d -p PID
 *
 * Sample:
 *   TYPE                                COUNT THROWN BY
 *   St13runtime_error                      10 th`f(int)
 *   i                                      20 th`f(int)
 *
 * Notes: the probe is libstdc++'s own, so the program must use libstdc++.so. Types have
 * their names in the binary: c++filt -t shows them as in the source.
 */

#pragma D option quiet

libstdcxx$target:::throw
{
	/* The second word of a std::type_info points to the type's name. */
	this->name = *(uintptr_t *)copyin(arg1 + sizeof (uintptr_t), sizeof (uintptr_t));
	/* Nothing follows a throw: its return address may be another function's first. */
	@[copyinstr(this->name), ufunc(ucaller - 1)] = count();
}

END
{
	printf("%-32s %8s %s\n", "TYPE", "COUNT", "THROWN BY");
	printa("%-32s %@8d %A\n", @);
}
