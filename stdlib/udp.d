/*
 * UDP datagrams: udpsinfo_t and udpinfo_t as the manual's chapter "udp Provider" has them.
 *
 *   struct __datagram_out *	an sk_buff on its way out
 *   struct __datagram_in *	an sk_buff for one of this machine's sockets
 *   struct __frame *		an sk_buff as it comes up from the device (ip.d)
 */
#pragma D depends_on library ip.d

typedef struct udphdr udpha_t;

struct __datagram_out {
	struct sk_buff skb;
};

struct __datagram_in {
	struct sk_buff skb;
};

typedef struct udpsinfo {
	uintptr_t udps_addr;		/* address of the struct sock */
	uint16_t udps_lport;
	uint16_t udps_rport;
	string udps_laddr;
	string udps_raddr;
} udpsinfo_t;

inline struct udphdr *__udp[struct sk_buff *P] =
    (struct udphdr *)((uintptr_t)P->head + P->transport_header);
inline struct udphdr *__frame_udp[struct __frame *F] =
    (struct udphdr *)(__frame_header[F] + __ip_header_length[__frame_header[F]]);

translator udpsinfo_t < struct __datagram_out *P > {
	udps_addr = (uintptr_t)((struct sk_buff *)P)->sk;
	udps_lport = ntohs(__udp[(struct sk_buff *)P]->source);
	udps_rport = ntohs(__udp[(struct sk_buff *)P]->dest);
	udps_laddr = __ip_source[__ip_header[(struct sk_buff *)P]];
	udps_raddr = __ip_destination[__ip_header[(struct sk_buff *)P]];
};

translator udpsinfo_t < struct __datagram_in *P > {
	udps_lport = ntohs(__udp[(struct sk_buff *)P]->dest);
	udps_rport = ntohs(__udp[(struct sk_buff *)P]->source);
	udps_laddr = __ip_destination[__ip_header[(struct sk_buff *)P]];
	udps_raddr = __ip_source[__ip_header[(struct sk_buff *)P]];
};

translator udpsinfo_t < struct __frame *F > {
	udps_lport = ntohs(__frame_udp[F]->dest);
	udps_rport = ntohs(__frame_udp[F]->source);
	udps_laddr = __ip_destination[__frame_header[F]];
	udps_raddr = __ip_source[__frame_header[F]];
};

typedef struct udpinfo {
	uint16_t udp_sport;
	uint16_t udp_dport;
	uint16_t udp_length;		/* header and data, bytes */
	uint16_t udp_checksum;		/* of a datagram on its way out often left to the device */
	udpha_t *udp_hdr;
} udpinfo_t;

translator udpinfo_t < struct udphdr *U > {
	udp_sport = ntohs(U->source);
	udp_dport = ntohs(U->dest);
	udp_length = ntohs(U->len);
	udp_checksum = ntohs(U->check);
	udp_hdr = U;
};
