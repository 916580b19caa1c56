/* D has the integer types of C99. */
