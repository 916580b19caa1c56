/*
 * What a packet begins with, for pcap(): LINKTYPE_* of the registry of capture file formats
 * (draft-ietf-opsawg-pcaplinktype).
 */

inline int PCAP_NULL = 0;
#pragma D attributes Evolving/Evolving/Common PCAP_NULL
inline int PCAP_ETHERNET = 1;
#pragma D attributes Evolving/Evolving/Common PCAP_ETHERNET
inline int PCAP_PPP = 9;
#pragma D attributes Evolving/Evolving/Common PCAP_PPP
inline int PCAP_FDDI = 10;
#pragma D attributes Evolving/Evolving/Common PCAP_FDDI
inline int PCAP_RAW = 101;
#pragma D attributes Evolving/Evolving/Common PCAP_RAW
inline int PCAP_IP = 101;
#pragma D attributes Evolving/Evolving/Common PCAP_IP
inline int PCAP_IEEE802_11 = 105;
#pragma D attributes Evolving/Evolving/Common PCAP_IEEE802_11
inline int PCAP_FRELAY = 107;
#pragma D attributes Evolving/Evolving/Common PCAP_FRELAY
inline int PCAP_IPNET = 226;
#pragma D attributes Evolving/Evolving/Common PCAP_IPNET
inline int PCAP_INFINIBAND = 247;
#pragma D attributes Evolving/Evolving/Common PCAP_INFINIBAND
