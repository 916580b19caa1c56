/*
 * IP packets: pktinfo_t, csinfo_t, ipinfo_t, ifinfo_t, ipv4info_t and ipv6info_t as the manual's
 * chapter "ip Provider" has them, from the kernel's struct sk_buff, net_device and sock.
 *
 * Where a probe's header lies depends on where the kernel is with the packet, so the same
 * sk_buff is translated under several types:
 *   struct sk_buff *	the headers' offsets are noted in it
 *   struct __frame *	an sk_buff as it comes up from the device: IP begins at its data
 *   struct __segment *	a struct sock for which a packet came that is not at hand
 */

typedef uint32_t ipaddr_t;
typedef struct in6_addr in6_addr_t;
typedef struct iphdr ipha_t;
typedef struct ipv6hdr ip6_t;
typedef uint32_t netstackid_t;
typedef int zoneid_t;

struct __frame {
	struct sk_buff skb;
};

struct __segment {
	struct sock sk;
};

typedef struct pktinfo {
	uintptr_t pkt_addr;		/* address of the sk_buff, 0 where it is not at hand */
} pktinfo_t;

translator pktinfo_t < struct sk_buff *P > {
	pkt_addr = (uintptr_t)P;
};

typedef struct csinfo {
	uintptr_t cs_addr;		/* address of the struct sock */
	uint64_t cs_cid;		/* connection ID: the same address */
	pid_t cs_pid;			/* Linux does not keep it: -1 */
	zoneid_t cs_zoneid;		/* 0 */
} csinfo_t;

translator csinfo_t < struct sock *S > {
	cs_addr = (uintptr_t)S;
	cs_cid = (uint64_t)S;
	cs_pid = -1;
	cs_zoneid = 0;
};

/* Before the packet's connection has been looked up. */
translator csinfo_t < struct __frame *F > {
	cs_zoneid = 0;
};

/* ------------------------------------------------------------------------------- headers */

inline uintptr_t __ip_header[struct sk_buff *P] = (uintptr_t)P->head + P->network_header;
inline uintptr_t __frame_header[struct __frame *F] = (uintptr_t)((struct sk_buff *)F)->data;

inline int __ip_version[uintptr_t header] = *(uint8_t *)header >> 4;
inline int __ip_header_length[uintptr_t header] =
    __ip_version[header] == 4 ? (*(uint8_t *)header & 0xf) * 4 : 40;
inline int __ip_protocol[uintptr_t header] = __ip_version[header] == 4 ?
    ((struct iphdr *)header)->protocol : ((struct ipv6hdr *)header)->nexthdr;
/* Not a fragment but the first, which alone has the transport's header. */
inline int __ip_first[uintptr_t header] = __ip_version[header] != 4 ||
    (ntohs(((struct iphdr *)header)->frag_off) & 0x1fff) == 0;

/* Packets over 64 KiB, which leave this machine in pieces, have no length in their header. */
inline uint32_t __ip_payload[struct sk_buff *P, uintptr_t header] =
    __ip_version[header] == 4 ?
    (((struct iphdr *)header)->tot_len != 0 ? ntohs(((struct iphdr *)header)->tot_len) :
    P->len + (uint32_t)((uintptr_t)P->data - header)) - __ip_header_length[header] :
    ((struct ipv6hdr *)header)->payload_len != 0 ?
    ntohs(((struct ipv6hdr *)header)->payload_len) :
    P->len + (uint32_t)((uintptr_t)P->data - header) - 40;

inline string __ip_source[uintptr_t header] = __ip_version[header] == 4 ?
    inet_ntoa(&((struct iphdr *)header)->saddr) :
    inet_ntoa6(&((struct ipv6hdr *)header)->saddr);
inline string __ip_destination[uintptr_t header] = __ip_version[header] == 4 ?
    inet_ntoa(&((struct iphdr *)header)->daddr) :
    inet_ntoa6(&((struct ipv6hdr *)header)->daddr);

/* Whether two addresses, of 4 or 16 bytes at these places, are one. */
inline int __same_ipv4[uintptr_t a, uintptr_t b] = *(uint32_t *)a == *(uint32_t *)b;
inline int __same_ipv6[uintptr_t a, uintptr_t b] =
    *(uint64_t *)a == *(uint64_t *)b && *(uint64_t *)(a + 8) == *(uint64_t *)(b + 8);

inline string __sock_local[struct sock *S] = S->__sk_common.skc_family == 2 ?
    inet_ntoa(&S->__sk_common.skc_rcv_saddr) : inet_ntoa6(&S->__sk_common.skc_v6_rcv_saddr);
inline string __sock_remote[struct sock *S] = S->__sk_common.skc_family == 2 ?
    inet_ntoa(&S->__sk_common.skc_daddr) : inet_ntoa6(&S->__sk_common.skc_v6_daddr);

/* A port that has been given back is still noted in what is a whole socket. */
inline uint16_t __sock_port[struct sock *S] = S->__sk_common.skc_num != 0 ||
    S->__sk_common.skc_state == 6 || S->__sk_common.skc_state == 12 ?
    S->__sk_common.skc_num : ntohs(((struct inet_sock *)S)->inet_sport);

/* ---------------------------------------------------------------------------- information */

typedef struct ipinfo {
	uint8_t ip_ver;			/* 4, 6 */
	uint32_t ip_plength;		/* bytes behind the header */
	string ip_saddr;
	string ip_daddr;
} ipinfo_t;

translator ipinfo_t < struct sk_buff *P > {
	ip_ver = __ip_version[__ip_header[P]];
	ip_plength = __ip_payload[P, __ip_header[P]];
	ip_saddr = __ip_source[__ip_header[P]];
	ip_daddr = __ip_destination[__ip_header[P]];
};

translator ipinfo_t < struct __frame *F > {
	ip_ver = __ip_version[__frame_header[F]];
	ip_plength = __ip_payload[(struct sk_buff *)F, __frame_header[F]];
	ip_saddr = __ip_source[__frame_header[F]];
	ip_daddr = __ip_destination[__frame_header[F]];
};

/* An IPv6 socket may have an IPv4 peer (::ffff:0:0/96). */
translator ipinfo_t < struct __segment *M > {
	ip_ver = ((struct sock *)M)->__sk_common.skc_family == 2 ||
	    ((struct sock *)M)->__sk_common.skc_v6_daddr.in6_u.u6_addr32[0] == 0 &&
	    ((struct sock *)M)->__sk_common.skc_v6_daddr.in6_u.u6_addr32[1] == 0 &&
	    ((struct sock *)M)->__sk_common.skc_v6_daddr.in6_u.u6_addr32[2] == htonl(0xffff) ?
	    4 : 6;
	ip_saddr = __sock_remote[(struct sock *)M];
	ip_daddr = __sock_local[(struct sock *)M];
};

typedef struct ifinfo {
	string if_name;
	int8_t if_local;		/* is a loopback device */
	netstackid_t if_ipstack;	/* the network namespace's inode number */
	uintptr_t if_addr;		/* address of the struct net_device */
} ifinfo_t;

translator ifinfo_t < struct net_device *D > {
	if_name = D == NULL ? "<null>" : stringof(D->name);
	if_local = D == NULL ? 0 : (D->flags & 8) != 0;		/* IFF_LOOPBACK */
	if_ipstack = D == NULL ? 0 : D->nd_net.net->ns.inum;
	if_addr = (uintptr_t)D;
};

/* The numbers are those of IANA; other names are numbers. */
inline string __ip_protocol_name[int protocol] =
    protocol == 0 ? "IP" :
    protocol == 1 ? "ICMP" :
    protocol == 2 ? "IGMP" :
    protocol == 6 ? "TCP" :
    protocol == 8 ? "EGP" :
    protocol == 17 ? "UDP" :
    protocol == 41 ? "IPv6" :
    protocol == 43 ? "ROUTE" :
    protocol == 44 ? "FRAGMENT" :
    protocol == 50 ? "ESP" :
    protocol == 51 ? "AH" :
    protocol == 58 ? "ICMPv6" :
    protocol == 89 ? "OSPF" :
    protocol == 132 ? "SCTP" :
    lltostr(protocol);

/* Bits of ipv4_flags. */
inline int IPH_DF = 4;
#pragma D attributes Stable/Stable/Common IPH_DF
inline int IPH_MF = 2;
#pragma D attributes Stable/Stable/Common IPH_MF

typedef struct ipv4info {
	uint8_t ipv4_ver;
	uint8_t ipv4_ihl;		/* length of the header, bytes */
	uint8_t ipv4_tos;
	uint16_t ipv4_length;		/* header and payload, bytes */
	uint16_t ipv4_ident;
	uint8_t ipv4_flags;		/* IPH_DF, IPH_MF */
	uint16_t ipv4_offset;		/* of a fragment, bytes */
	uint8_t ipv4_ttl;
	uint8_t ipv4_protocol;
	string ipv4_protostr;
	uint16_t ipv4_checksum;
	ipaddr_t ipv4_src;
	ipaddr_t ipv4_dst;
	string ipv4_saddr;
	string ipv4_daddr;
	ipha_t *ipv4_hdr;
} ipv4info_t;

/* All members of a packet of the other version are 0 or "<null>". */
translator ipv4info_t < struct iphdr *I > {
	ipv4_ver = I == NULL ? 0 : __ip_version[(uintptr_t)I];
	ipv4_ihl = I == NULL ? 0 : __ip_header_length[(uintptr_t)I];
	ipv4_tos = I == NULL ? 0 : I->tos;
	ipv4_length = I == NULL ? 0 : ntohs(I->tot_len);
	ipv4_ident = I == NULL ? 0 : ntohs(I->id);
	ipv4_flags = I == NULL ? 0 : ntohs(I->frag_off) >> 12 & 0xe;
	ipv4_offset = I == NULL ? 0 : (ntohs(I->frag_off) & 0x1fff) * 8;
	ipv4_ttl = I == NULL ? 0 : I->ttl;
	ipv4_protocol = I == NULL ? 0 : I->protocol;
	ipv4_protostr = I == NULL ? "<null>" : __ip_protocol_name[I->protocol];
	ipv4_checksum = I == NULL ? 0 : ntohs(I->check);
	ipv4_src = I == NULL ? 0 : I->saddr;
	ipv4_dst = I == NULL ? 0 : I->daddr;
	ipv4_saddr = I == NULL ? "<null>" : inet_ntoa(&I->saddr);
	ipv4_daddr = I == NULL ? "<null>" : inet_ntoa(&I->daddr);
	ipv4_hdr = I;
};

typedef struct ipv6info {
	uint8_t ipv6_ver;
	uint8_t ipv6_tclass;
	uint32_t ipv6_flow;
	uint16_t ipv6_plen;		/* payload, bytes */
	uint8_t ipv6_nexthdr;
	string ipv6_nextstr;
	uint8_t ipv6_hlim;
	in6_addr_t *ipv6_src;
	in6_addr_t *ipv6_dst;
	string ipv6_saddr;
	string ipv6_daddr;
	ip6_t *ipv6_hdr;
} ipv6info_t;

translator ipv6info_t < struct ipv6hdr *I > {
	ipv6_ver = I == NULL ? 0 : __ip_version[(uintptr_t)I];
	ipv6_tclass = I == NULL ? 0 : ntohl(*(uint32_t *)I) >> 20 & 0xff;
	ipv6_flow = I == NULL ? 0 : ntohl(*(uint32_t *)I) & 0xfffff;
	ipv6_plen = I == NULL ? 0 : ntohs(I->payload_len);
	ipv6_nexthdr = I == NULL ? 0 : I->nexthdr;
	ipv6_nextstr = I == NULL ? "<null>" : __ip_protocol_name[I->nexthdr];
	ipv6_hlim = I == NULL ? 0 : I->hop_limit;
	ipv6_src = I == NULL ? (in6_addr_t *)NULL : &I->saddr;
	ipv6_dst = I == NULL ? (in6_addr_t *)NULL : &I->daddr;
	ipv6_saddr = I == NULL ? "<null>" : inet_ntoa6(&I->saddr);
	ipv6_daddr = I == NULL ? "<null>" : inet_ntoa6(&I->daddr);
	ipv6_hdr = I;
};
