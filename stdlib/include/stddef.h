/* D has size_t, NULL and offsetof(). */
