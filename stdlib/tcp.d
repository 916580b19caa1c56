/*
 * TCP: flags of a segment (RFC 793, 3168), states of a connection by Linux' numbers
 * (include/net/tcp_states.h).
 */


/* Flags */
inline int TH_FIN = 1;
#pragma D attributes Stable/Stable/Common TH_FIN
inline int TH_SYN = 2;
#pragma D attributes Stable/Stable/Common TH_SYN
inline int TH_RST = 4;
#pragma D attributes Stable/Stable/Common TH_RST
inline int TH_PSH = 8;
#pragma D attributes Stable/Stable/Common TH_PSH
inline int TH_PUSH = 8;
#pragma D attributes Stable/Stable/Common TH_PUSH
inline int TH_ACK = 16;
#pragma D attributes Stable/Stable/Common TH_ACK
inline int TH_URG = 32;
#pragma D attributes Stable/Stable/Common TH_URG
inline int TH_ECE = 64;
#pragma D attributes Stable/Stable/Common TH_ECE
inline int TH_CWR = 128;
#pragma D attributes Stable/Stable/Common TH_CWR

/* States */
inline int TCP_STATE_ESTABLISHED = 1;
#pragma D attributes Stable/Stable/Common TCP_STATE_ESTABLISHED
inline int TCP_STATE_SYN_SENT = 2;
#pragma D attributes Stable/Stable/Common TCP_STATE_SYN_SENT
inline int TCP_STATE_SYN_RECEIVED = 3;
#pragma D attributes Stable/Stable/Common TCP_STATE_SYN_RECEIVED
inline int TCP_STATE_FIN_WAIT_1 = 4;
#pragma D attributes Stable/Stable/Common TCP_STATE_FIN_WAIT_1
inline int TCP_STATE_FIN_WAIT_2 = 5;
#pragma D attributes Stable/Stable/Common TCP_STATE_FIN_WAIT_2
inline int TCP_STATE_TIME_WAIT = 6;
#pragma D attributes Stable/Stable/Common TCP_STATE_TIME_WAIT
inline int TCP_STATE_CLOSED = 7;
#pragma D attributes Stable/Stable/Common TCP_STATE_CLOSED
inline int TCP_STATE_CLOSE_WAIT = 8;
#pragma D attributes Stable/Stable/Common TCP_STATE_CLOSE_WAIT
inline int TCP_STATE_LAST_ACK = 9;
#pragma D attributes Stable/Stable/Common TCP_STATE_LAST_ACK
inline int TCP_STATE_LISTEN = 10;
#pragma D attributes Stable/Stable/Common TCP_STATE_LISTEN
inline int TCP_STATE_CLOSING = 11;
#pragma D attributes Stable/Stable/Common TCP_STATE_CLOSING

/* The names that the manual's tcp examples print. */
inline string tcp_state_string[int32_t state] =
    state == 1 ? "state-established" :
    state == 2 ? "state-syn-sent" :
    state == 3 ? "state-syn-received" :
    state == 4 ? "state-fin-wait-1" :
    state == 5 ? "state-fin-wait-2" :
    state == 6 ? "state-time-wait" :
    state == 7 ? "state-closed" :
    state == 8 ? "state-close-wait" :
    state == 9 ? "state-last-ack" :
    state == 10 ? "state-listen" :
    state == 11 ? "state-closing" :
    state == 12 ? "state-syn-received" :
    "<unknown>";
#pragma D attributes Stable/Stable/Common tcp_state_string
