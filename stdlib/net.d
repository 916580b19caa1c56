/*
 * The name that scripts know the constants of addresses and protocols by.
 */
#pragma D depends_on library socket.d
