/*
 * Instead of the C library's <errno.h>, which makes errno an expression of C: it is a variable of
 * D, and D knows the names of its values.
 */
