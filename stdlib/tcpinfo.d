/*
 * TCP connections and segments: tcpsinfo_t, tcplsinfo_t and tcpinfo_t as the manual's chapter
 * "tcp Provider" has them, from the kernel's struct sock and sk_buff.
 *
 * A struct sock stands for a connection in three sizes: a request that has not been
 * acknowledged and a remainder that waits (TIME_WAIT) have only what __sk_common holds.
 *   struct __sent *	an sk_buff on its way out: it tells the addresses, its sock the rest
 *   struct __unclaimed *	an sk_buff that came for no connection
 *   struct __frame *	an sk_buff whose connection has not been looked up (ip.d)
 *   struct __changing *	a struct sock and, in the low bits of its address, which is a
 *			multiple of 64, the state that it takes on
 */
#pragma D depends_on library ip.d
#pragma D depends_on library tcp.d

typedef struct tcphdr tcph_t;

struct __sent {
	struct sk_buff skb;
};

struct __unclaimed {
	struct sk_buff skb;
};

struct __changing {
	struct sock sk;
};

typedef struct tcpsinfo {
	uintptr_t tcps_addr;		/* address of the struct sock */
	int tcps_local;			/* the peer is this machine */
	int tcps_active;		/* opened from here */
	uint16_t tcps_lport;
	uint16_t tcps_rport;
	string tcps_laddr;
	string tcps_raddr;
	int32_t tcps_state;		/* TCP_STATE_* */
	uint32_t tcps_iss;		/* first sequence number */
	uint32_t tcps_suna;		/* sent, not acknowledged yet */
	uint32_t tcps_snxt;		/* next to send */
	uint32_t tcps_rack;		/* acknowledged to the peer */
	uint32_t tcps_rnxt;		/* next to come */
	uint32_t tcps_swnd;		/* window of sending, bytes */
	int32_t tcps_snd_ws;		/* its scale */
	uint32_t tcps_rwnd;		/* window of receiving, bytes */
	int32_t tcps_rcv_ws;
	uint32_t tcps_cwnd;		/* congestion window, bytes */
	uint32_t tcps_cwnd_ssthresh;	/* end of slow start, bytes; 0xffffffff for none yet */
	uint32_t tcps_sack_fack;	/* the peer has some of what is before this */
	uint32_t tcps_sack_snxt;	/* next to be sent again; 0 for nothing */
	uint32_t tcps_rto;		/* ms until it is sent again */
	uint32_t tcps_mss;		/* bytes */
	int tcps_retransmit;		/* this is sent again */
} tcpsinfo_t;

inline struct tcp_sock *__tcp[struct sock *S] = S == NULL ||
    S->__sk_common.skc_state == 6 || S->__sk_common.skc_state == 12 ||
    S->sk_type != 1 || S->sk_protocol != 6 ? (struct tcp_sock *)NULL : (struct tcp_sock *)S;

inline int __tcp_state[struct sock *S] = S == NULL ? TCP_STATE_CLOSED :
    S->__sk_common.skc_state == 12 ? TCP_STATE_SYN_RECEIVED : S->__sk_common.skc_state;

/* IFF_LOOPBACK of the device that the connection's route leads to; where there is no route, the
 * addresses tell. */
inline int __tcp_local[struct sock *S] = S == NULL ? 0 :
    __tcp[S] != NULL && S->sk_dst_cache != NULL ? (S->sk_dst_cache->dev->flags & 8) != 0 :
    S->__sk_common.skc_family == 2 ? S->__sk_common.skc_daddr != 0 &&
    S->__sk_common.skc_daddr == S->__sk_common.skc_rcv_saddr :
    S->__sk_common.skc_dport != 0 && __same_ipv6[(uintptr_t)&S->__sk_common.skc_v6_daddr,
    (uintptr_t)&S->__sk_common.skc_v6_rcv_saddr];
inline int __packet_local[uintptr_t header] = __ip_version[header] == 4 ?
    __same_ipv4[header + 12, header + 16] : __same_ipv6[header + 8, header + 24];

inline uint32_t __tcp_mss[struct tcp_sock *T] = T == NULL ? 0 : T->mss_cache;
inline uint32_t __tcp_ssthresh[struct tcp_sock *T] = T == NULL ? 0 :
    T->snd_ssthresh >= 0x7fffffff ? 0xffffffff : T->snd_ssthresh * T->mss_cache;

/*
 * A connection that was accepted keeps the number of the device that it came by, where others
 * have 0: that of multicast, which TCP does not use (tcp_v4_syn_recv_sock(), net/ipv4).
 */
inline int __tcp_accepted[struct sock *S] = S->__sk_common.skc_family == 10 ?
    ((struct inet_sock *)S)->pinet6->mcast_oif != 0 : ((struct inet_sock *)S)->mc_index != 0;
inline int __tcp_active[struct sock *S] = __tcp[S] == NULL || S->__sk_common.skc_state == 10 ? 0 :
    !__tcp_accepted[S];

/* Before all that was acknowledged; of those who asked, the SYN was, and counts. */
inline uint32_t __tcp_iss[struct sock *S] = __tcp[S] == NULL ? 0 :
    (uint32_t)(__tcp[S]->snd_una - __tcp[S]->bytes_acked - (__tcp_active[S] ? 0 : 1));

inline uint32_t __tcp_rto[struct sock *S] = __tcp[S] == NULL ? 0 :
    (uint32_t)((uint64_t)((struct inet_connection_sock *)S)->icsk_rto * __tick_ns() / 1000000);

/* highest_sack is what follows the last that the peer has (tcp_highest_sack_seq()). */
inline uint32_t __skb_sequence[struct sk_buff *P] = ((struct tcp_skb_cb *)P->cb)->seq;
inline uint32_t __tcp_fack[struct sock *S] = __tcp[S] == NULL ? 0 :
    __tcp[S]->sacked_out == 0 ? __tcp[S]->snd_una : __tcp[S]->highest_sack == NULL ?
    __tcp[S]->snd_nxt : __skb_sequence[__tcp[S]->highest_sack];
inline uint32_t __tcp_again[struct sock *S] = __tcp[S] == NULL ||
    __tcp[S]->retransmit_skb_hint == NULL ? 0 : __skb_sequence[__tcp[S]->retransmit_skb_hint];

inline uintptr_t __tcp_header[struct sk_buff *P] = (uintptr_t)P->head + P->transport_header;
inline uintptr_t __frame_transport[struct __frame *F] =
    __frame_header[F] + __ip_header_length[__frame_header[F]];
inline uint16_t __port[uintptr_t place] = ntohs(*(uint16_t *)place);
inline int __tcp_flags[uintptr_t header] = *(uint8_t *)(header + 13);
inline int __tcp_bytes[uintptr_t header] = (*(uint8_t *)(header + 12) >> 4) * 4;

translator tcpsinfo_t < struct sock *S > {
	tcps_addr = (uintptr_t)S;
	tcps_local = __tcp_local[S];
	tcps_lport = __sock_port[S];
	tcps_rport = ntohs(S->__sk_common.skc_dport);
	tcps_laddr = __sock_local[S];
	tcps_raddr = __sock_remote[S];
	tcps_state = __tcp_state[S];
	tcps_retransmit = 0;
	tcps_suna = __tcp[S] == NULL ? 0 : __tcp[S]->snd_una;
	tcps_snxt = __tcp[S] == NULL ? 0 : __tcp[S]->snd_nxt;
	tcps_rack = __tcp[S] == NULL ? 0 : __tcp[S]->rcv_wup;
	tcps_rnxt = __tcp[S] == NULL ? 0 : __tcp[S]->rcv_nxt;
	tcps_swnd = __tcp[S] == NULL ? 0 : __tcp[S]->snd_wnd;
	tcps_snd_ws = __tcp[S] == NULL ? 0 : __tcp[S]->rx_opt.snd_wscale;
	tcps_rwnd = __tcp[S] == NULL ? 0 : __tcp[S]->rcv_wnd;
	tcps_rcv_ws = __tcp[S] == NULL ? 0 : __tcp[S]->rx_opt.rcv_wscale;
	tcps_cwnd = __tcp_mss[__tcp[S]] * (__tcp[S] == NULL ? 0 : __tcp[S]->snd_cwnd);
	tcps_cwnd_ssthresh = __tcp_ssthresh[__tcp[S]];
	tcps_mss = __tcp_mss[__tcp[S]];
	tcps_active = __tcp_active[S];
	tcps_iss = __tcp_iss[S];
	tcps_rto = __tcp_rto[S];
	tcps_sack_fack = __tcp_fack[S];
	tcps_sack_snxt = __tcp_again[S];
};

inline struct sock *__changing_sock[struct __changing *C] =
    (struct sock *)((uintptr_t)C & ~15UL);
inline struct tcp_sock *__changing_tcp[struct __changing *C] = __tcp[__changing_sock[C]];

translator tcpsinfo_t < struct __changing *C > {
	tcps_addr = (uintptr_t)__changing_sock[C];
	tcps_local = __tcp_local[__changing_sock[C]];
	tcps_lport = __sock_port[__changing_sock[C]];
	tcps_rport = ntohs(__changing_sock[C]->__sk_common.skc_dport);
	tcps_laddr = __sock_local[__changing_sock[C]];
	tcps_raddr = __sock_remote[__changing_sock[C]];
	tcps_state = (int32_t)((uintptr_t)C & 15UL);
	tcps_retransmit = 0;
	tcps_suna = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->snd_una;
	tcps_snxt = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->snd_nxt;
	tcps_rack = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->rcv_wup;
	tcps_rnxt = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->rcv_nxt;
	tcps_swnd = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->snd_wnd;
	tcps_snd_ws = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->rx_opt.snd_wscale;
	tcps_rwnd = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->rcv_wnd;
	tcps_rcv_ws = __changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->rx_opt.rcv_wscale;
	tcps_cwnd = __tcp_mss[__changing_tcp[C]] * (__changing_tcp[C] == NULL ? 0 : __changing_tcp[C]->snd_cwnd);
	tcps_cwnd_ssthresh = __tcp_ssthresh[__changing_tcp[C]];
	tcps_mss = __tcp_mss[__changing_tcp[C]];
	tcps_active = __tcp_active[__changing_sock[C]];
	tcps_iss = __tcp_iss[__changing_sock[C]];
	tcps_rto = __tcp_rto[__changing_sock[C]];
	tcps_sack_fack = __tcp_fack[__changing_sock[C]];
	tcps_sack_snxt = __tcp_again[__changing_sock[C]];
};

inline struct sk_buff *__sent_skb[struct __sent *P] = (struct sk_buff *)P;
inline struct tcp_sock *__sent_tcp[struct __sent *P] = __tcp[((struct sk_buff *)P)->sk];

/* What is sent again lies before the next to send, which moves on after the first time. */
translator tcpsinfo_t < struct __sent *P > {
	tcps_addr = (uintptr_t)__sent_skb[P]->sk;
	tcps_local = __sent_tcp[P] != NULL ? __tcp_local[__sent_skb[P]->sk] :
	    __packet_local[__ip_header[__sent_skb[P]]];
	tcps_lport = __port[__tcp_header[__sent_skb[P]]];
	tcps_rport = __port[__tcp_header[__sent_skb[P]] + 2];
	tcps_laddr = __ip_source[__ip_header[__sent_skb[P]]];
	tcps_raddr = __ip_destination[__ip_header[__sent_skb[P]]];
	tcps_state = __tcp_state[__sent_skb[P]->sk];
	tcps_retransmit = __sent_tcp[P] != NULL &&
	    (__ip_payload[__sent_skb[P], __ip_header[__sent_skb[P]]] >
	    __tcp_bytes[__tcp_header[__sent_skb[P]]] ||
	    (__tcp_flags[__tcp_header[__sent_skb[P]]] & 3) != 0) &&	/* FIN, SYN */
	    (int32_t)(ntohl(((struct tcphdr *)__tcp_header[__sent_skb[P]])->seq) -
	    __sent_tcp[P]->snd_nxt) < 0;
	tcps_suna = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->snd_una;
	tcps_snxt = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->snd_nxt;
	tcps_rack = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->rcv_wup;
	tcps_rnxt = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->rcv_nxt;
	tcps_swnd = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->snd_wnd;
	tcps_snd_ws = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->rx_opt.snd_wscale;
	tcps_rwnd = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->rcv_wnd;
	tcps_rcv_ws = __sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->rx_opt.rcv_wscale;
	tcps_cwnd = __tcp_mss[__sent_tcp[P]] * (__sent_tcp[P] == NULL ? 0 : __sent_tcp[P]->snd_cwnd);
	tcps_cwnd_ssthresh = __tcp_ssthresh[__sent_tcp[P]];
	tcps_mss = __tcp_mss[__sent_tcp[P]];
	tcps_active = __tcp_active[__sent_skb[P]->sk];
	tcps_iss = __tcp_iss[__sent_skb[P]->sk];
	tcps_rto = __tcp_rto[__sent_skb[P]->sk];
	tcps_sack_fack = __tcp_fack[__sent_skb[P]->sk];
	tcps_sack_snxt = __tcp_again[__sent_skb[P]->sk];
};

translator tcpsinfo_t < struct __unclaimed *U > {
	tcps_addr = 0;
	tcps_local = __packet_local[__ip_header[(struct sk_buff *)U]];
	tcps_lport = __port[__tcp_header[(struct sk_buff *)U] + 2];
	tcps_rport = __port[__tcp_header[(struct sk_buff *)U]];
	tcps_laddr = __ip_destination[__ip_header[(struct sk_buff *)U]];
	tcps_raddr = __ip_source[__ip_header[(struct sk_buff *)U]];
	tcps_state = TCP_STATE_CLOSED;
	tcps_retransmit = 0;
	tcps_suna = 0;
	tcps_snxt = 0;
	tcps_rack = 0;
	tcps_rnxt = 0;
	tcps_swnd = 0;
	tcps_snd_ws = 0;
	tcps_rwnd = 0;
	tcps_rcv_ws = 0;
	tcps_cwnd = 0;
	tcps_cwnd_ssthresh = 0;
	tcps_mss = 0;
	tcps_active = 0;
	tcps_iss = 0;
	tcps_rto = 0;
	tcps_sack_fack = 0;
	tcps_sack_snxt = 0;
};

/* Only what the segment itself tells. */
translator tcpsinfo_t < struct __frame *F > {
	tcps_lport = __port[__frame_transport[F] + 2];
	tcps_rport = __port[__frame_transport[F]];
	tcps_laddr = __ip_destination[__frame_header[F]];
	tcps_raddr = __ip_source[__frame_header[F]];
	tcps_retransmit = 0;
};

/* args[5] of state-change: the state before. */
typedef struct tcplsinfo {
	int32_t tcps_state;
} tcplsinfo_t;

translator tcplsinfo_t < int S > {
	tcps_state = S == 12 ? TCP_STATE_SYN_RECEIVED : S;
};

typedef struct tcpinfo {
	uint16_t tcp_sport;
	uint16_t tcp_dport;
	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint8_t tcp_offset;		/* where data begins, bytes */
	uint8_t tcp_flags;		/* TH_* */
	uint16_t tcp_window;
	uint16_t tcp_checksum;		/* of a segment on its way out often left to the device */
	uint16_t tcp_urgent;
	tcph_t *tcp_hdr;
} tcpinfo_t;

translator tcpinfo_t < struct tcphdr *T > {
	tcp_sport = ntohs(T->source);
	tcp_dport = ntohs(T->dest);
	tcp_seq = ntohl(T->seq);
	tcp_ack = ntohl(T->ack_seq);
	tcp_offset = __tcp_bytes[(uintptr_t)T];
	tcp_flags = __tcp_flags[(uintptr_t)T];
	tcp_window = ntohs(T->window);
	tcp_checksum = ntohs(T->check);
	tcp_urgent = ntohs(T->urg_ptr);
	tcp_hdr = T;
};

/* Of a segment that came for a connection and is not at hand. */
translator tcpinfo_t < struct __segment *M > {
	tcp_sport = ntohs(((struct sock *)M)->__sk_common.skc_dport);
	tcp_dport = __sock_port[(struct sock *)M];
};
