#include "base/services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 63
#define LINES_MAX    65536
#define LINE_BYTES   256

struct named {
	uint16_t port;
	const char *name;
};

/* By port. What Debian's /etc/services does not list: IANA's names, or the product's. */
static const struct named own_tcp[] = {
	{ 81, "http-alt" },
	{ 82, "http-alt" },
	{ 83, "http-alt" },
	{ 84, "http-alt" },
	{ 85, "http-alt" },
	{ 86, "http-alt" },
	{ 87, "http-alt" },
	{ 89, "http-alt" },
	{ 90, "http-alt" },
	{ 137, "netbios-ns" },
	{ 138, "netbios-dgm" },
	{ 177, "xdmcp" },
	{ 194, "irc" },
	{ 201, "appletalk" },
	{ 264, "bgmp" },
	{ 311, "asip-webadmin" },
	{ 406, "imsp" },
	{ 497, "retrospect" },
	{ 500, "isakmp" },
	{ 502, "modbus" },
	{ 520, "efs" },
	{ 523, "ibm-db2" },
	{ 546, "dhcpv6-client" },
	{ 547, "dhcpv6-server" },
	{ 591, "filemaker" },
	{ 593, "http-rpc-epmap" },
	{ 623, "asf-rmcp" },
	{ 647, "dhcp-failover" },
	{ 648, "rrp" },
	{ 660, "mac-srvr-admin" },
	{ 666, "doom" },
	{ 674, "acap" },
	{ 691, "msexch-routing" },
	{ 700, "epp" },
	{ 789, "redlion-crimson" },
	{ 830, "netconf-ssh" },
	{ 832, "netconf-soap" },
	{ 843, "flash-policy" },
	{ 847, "dhcp-failover" },
	{ 860, "iscsi" },
	{ 888, "http-alt" },
	{ 898, "smc-http" },
	{ 902, "vmware-auth" },
	{ 903, "vmware-console" },
	{ 994, "ircs" },
	{ 1098, "rmi-activation" },
	{ 1109, "kpop" },
	{ 1234, "http-alt" },
	{ 1241, "nessus-old" },
	{ 1311, "omsa" },
	{ 1414, "ibm-mqseries" },
	{ 1434, "ms-sql-m" },
	{ 1494, "ica" },
	{ 1512, "wins" },
	{ 1521, "oracle" },
	{ 1526, "oracle-alt" },
	{ 1527, "derby" },
	{ 1583, "btrieve" },
	{ 1604, "ica-browser" },
	{ 1688, "kms" },
	{ 1701, "l2tp" },
	{ 1720, "h323hostcall" },
	{ 1723, "pptp" },
	{ 1755, "ms-streaming" },
	{ 1801, "msmq" },
	{ 1863, "msnp" },
	{ 1880, "node-red" },
	{ 1883, "mqtt" },
	{ 1900, "ssdp" },
	{ 1911, "niagara-fox" },
	{ 1935, "rtmp" },
	{ 1947, "hasplm" },
	{ 1962, "pcworx" },
	{ 1984, "bigbrother" },
	{ 1985, "hsrp" },
	{ 2010, "search" },
	{ 2020, "xinupageserver" },
	{ 2022, "ssh-alt" },
	{ 2030, "oracle-mts" },
	{ 2080, "http-alt" },
	{ 2082, "cpanel" },
	{ 2083, "cpanel-s" },
	{ 2087, "whm-s" },
	{ 2095, "webmail" },
	{ 2096, "webmail-s" },
	{ 2100, "oracle-xdb" },
	{ 2103, "msmq-rpc" },
	{ 2105, "msmq-rpc" },
	{ 2107, "msmq-mgmt" },
	{ 2181, "zookeeper" },
	{ 2222, "ssh-alt" },
	{ 2223, "ssh-alt" },
	{ 2323, "telnet-alt" },
	{ 2375, "docker" },
	{ 2376, "docker-s" },
	{ 2377, "swarm" },
	{ 2379, "etcd-client" },
	{ 2380, "etcd-server" },
	{ 2404, "iec-104" },
	{ 2424, "orientdb" },
	{ 2443, "https-alt" },
	{ 2480, "orientdb" },
	{ 2483, "oracle-tcp" },
	{ 2484, "oracle-tcps" },
	{ 2525, "smtp-alt" },
	{ 2638, "sybase" },
	{ 2809, "corbaloc" },
	{ 2869, "icslap" },
	{ 2888, "zookeeper" },
	{ 2967, "symantec-av" },
	{ 3000, "http-alt" },
	{ 3001, "http-alt" },
	{ 3052, "apc-powerchute" },
	{ 3100, "loki" },
	{ 3128, "squid" },
	{ 3200, "sap-dispatcher" },
	{ 3268, "msft-gc" },
	{ 3269, "msft-gc-ssl" },
	{ 3283, "net-assistant" },
	{ 3299, "sap-router" },
	{ 3300, "sap-gateway" },
	{ 3310, "clamd" },
	{ 3478, "stun" },
	{ 3580, "ni-service-locator" },
	{ 3702, "ws-discovery" },
	{ 3784, "bfd-control" },
	{ 3868, "diameter" },
	{ 3888, "zookeeper" },
	{ 4040, "spark-http" },
	{ 4045, "nlockmgr" },
	{ 4063, "glacier2" },
	{ 4064, "glacier2-s" },
	{ 4111, "xgrid" },
	{ 4222, "nats" },
	{ 4321, "rwhois" },
	{ 4433, "https-alt" },
	{ 4443, "https-alt" },
	{ 4500, "ipsec-nat-t" },
	{ 4505, "salt-publish" },
	{ 4506, "salt-request" },
	{ 4567, "galera" },
	{ 4568, "galera" },
	{ 4569, "iax2" },
	{ 4646, "nomad" },
	{ 4647, "nomad" },
	{ 4648, "nomad" },
	{ 4662, "edonkey" },
	{ 4730, "gearman" },
	{ 4739, "ipfix" },
	{ 4786, "smart-install" },
	{ 4840, "opcua" },
	{ 4843, "opcua-tls" },
	{ 4848, "glassfish" },
	{ 5000, "upnp" },
	{ 5001, "commplex-link" },
	{ 5003, "filemaker" },
	{ 5004, "rtp" },
	{ 5005, "jdwp" },
	{ 5009, "airport-admin" },
	{ 5022, "ms-sql-mirror" },
	{ 5038, "asterisk-ami" },
	{ 5044, "beats" },
	{ 5050, "mesos" },
	{ 5051, "mesos-agent" },
	{ 5080, "http-alt" },
	{ 5084, "llrp" },
	{ 5085, "llrp-s" },
	{ 5093, "sentinel-lm" },
	{ 5190, "aol" },
	{ 5201, "iperf3" },
	{ 5223, "xmpp-client-s" },
	{ 5280, "xmpp-bosh" },
	{ 5298, "xmpp-local" },
	{ 5349, "stuns" },
	{ 5351, "nat-pmp" },
	{ 5353, "mdns" },
	{ 5355, "llmnr" },
	{ 5357, "wsdapi" },
	{ 5358, "wsdapi-s" },
	{ 5405, "pcduo" },
	{ 5431, "upnp-alt" },
	{ 5433, "postgresql-alt" },
	{ 5500, "vnc-listen" },
	{ 5555, "adb" },
	{ 5560, "isqlplus" },
	{ 5601, "kibana" },
	{ 5631, "pcanywhere-data" },
	{ 5632, "pcanywhere-stat" },
	{ 5678, "rrac" },
	{ 5683, "coap" },
	{ 5684, "coaps" },
	{ 5693, "ncpa" },
	{ 5722, "msdfsr" },
	{ 5800, "vnc-http" },
	{ 5801, "vnc-http" },
	{ 5900, "rfb" },
	{ 5901, "rfb" },
	{ 5902, "rfb" },
	{ 5903, "rfb" },
	{ 5904, "rfb" },
	{ 5905, "rfb" },
	{ 5938, "teamviewer" },
	{ 5984, "couchdb" },
	{ 5985, "wsman" },
	{ 5986, "wsmans" },
	{ 5988, "wbem-http" },
	{ 5989, "wbem-https" },
	{ 6010, "x11" },
	{ 6063, "x11" },
	{ 6080, "novnc" },
	{ 6081, "varnish-adm" },
	{ 6082, "varnish-adm" },
	{ 6101, "backupexec" },
	{ 6112, "dtspc" },
	{ 6129, "dameware" },
	{ 6222, "nats-cluster" },
	{ 6380, "redis-s" },
	{ 6381, "redis" },
	{ 6432, "pgbouncer" },
	{ 6443, "kubernetes" },
	{ 6447, "mysql-router" },
	{ 6481, "servicetags" },
	{ 6502, "netop-rc" },
	{ 6556, "check-mk" },
	{ 6560, "speech-dispatcher" },
	{ 6600, "mpd" },
	{ 6633, "openflow-old" },
	{ 6640, "ovsdb" },
	{ 6641, "ovn" },
	{ 6642, "ovn" },
	{ 6653, "openflow" },
	{ 6660, "irc" },
	{ 6665, "irc" },
	{ 6666, "irc" },
	{ 6668, "irc" },
	{ 6669, "irc" },
	{ 6679, "ircs" },
	{ 6789, "ceph-mon" },
	{ 6800, "ceph-osd" },
	{ 6881, "bittorrent" },
	{ 6969, "bittorrent-tracker" },
	{ 7001, "weblogic" },
	{ 7002, "weblogic-s" },
	{ 7070, "realserver" },
	{ 7077, "spark" },
	{ 7080, "http-alt" },
	{ 7199, "cassandra-jmx" },
	{ 7210, "maxdb" },
	{ 7443, "https-alt" },
	{ 7473, "neo4j-s" },
	{ 7474, "neo4j-http" },
	{ 7547, "cwmp" },
	{ 7627, "soap-http" },
	{ 7634, "hddtemp" },
	{ 7657, "i2p" },
	{ 7680, "ms-do" },
	{ 7687, "bolt" },
	{ 7946, "swarm-gossip" },
	{ 8000, "http-alt" },
	{ 8001, "http-alt" },
	{ 8002, "http-alt" },
	{ 8003, "http-alt" },
	{ 8005, "tomcat-shutdown" },
	{ 8006, "proxmox" },
	{ 8007, "http-alt" },
	{ 8008, "http-alt" },
	{ 8009, "ajp13" },
	{ 8010, "http-alt" },
	{ 8011, "http-alt" },
	{ 8020, "hdfs" },
	{ 8022, "ssh-alt" },
	{ 8030, "yarn" },
	{ 8031, "yarn" },
	{ 8032, "yarn" },
	{ 8033, "yarn" },
	{ 8042, "yarn-http" },
	{ 8065, "mattermost" },
	{ 8069, "odoo" },
	{ 8082, "http-alt" },
	{ 8083, "http-alt" },
	{ 8084, "http-alt" },
	{ 8085, "http-alt" },
	{ 8086, "influxdb" },
	{ 8087, "http-alt" },
	{ 8089, "splunkd" },
	{ 8090, "http-alt" },
	{ 8091, "couchbase" },
	{ 8092, "couchbase" },
	{ 8093, "couchbase" },
	{ 8096, "jellyfin" },
	{ 8111, "teamcity" },
	{ 8112, "deluge" },
	{ 8118, "privoxy" },
	{ 8123, "home-assistant" },
	{ 8125, "statsd" },
	{ 8139, "puppet" },
	{ 8161, "activemq-http" },
	{ 8172, "msdeploy" },
	{ 8180, "http-alt" },
	{ 8181, "http-alt" },
	{ 8200, "vault" },
	{ 8222, "nats-http" },
	{ 8243, "https-alt" },
	{ 8280, "http-alt" },
	{ 8291, "winbox" },
	{ 8300, "consul" },
	{ 8301, "consul" },
	{ 8332, "bitcoin-rpc" },
	{ 8333, "bitcoin" },
	{ 8384, "syncthing" },
	{ 8404, "haproxy-stats" },
	{ 8443, "https-alt" },
	{ 8444, "https-alt" },
	{ 8448, "matrix-fed" },
	{ 8500, "consul" },
	{ 8530, "wsus" },
	{ 8531, "wsus-s" },
	{ 8545, "ethereum-rpc" },
	{ 8546, "ethereum-ws" },
	{ 8554, "rtsp-alt" },
	{ 8600, "consul-dns" },
	{ 8649, "ganglia" },
	{ 8651, "ganglia" },
	{ 8728, "routeros-api" },
	{ 8729, "routeros-api-s" },
	{ 8787, "rstudio" },
	{ 8800, "http-alt" },
	{ 8834, "nessus" },
	{ 8843, "https-alt" },
	{ 8880, "http-alt" },
	{ 8883, "secure-mqtt" },
	{ 8888, "http-alt" },
	{ 8889, "http-alt" },
	{ 8983, "solr" },
	{ 9000, "http-alt" },
	{ 9001, "http-alt" },
	{ 9042, "cassandra" },
	{ 9043, "websphere-s" },
	{ 9050, "tor-socks" },
	{ 9051, "tor-control" },
	{ 9060, "websphere" },
	{ 9080, "http-alt" },
	{ 9081, "http-alt" },
	{ 9090, "http-alt" },
	{ 9091, "http-alt" },
	{ 9092, "kafka" },
	{ 9093, "alertmanager" },
	{ 9094, "kafka" },
	{ 9100, "pdl-datastream" },
	{ 9104, "mysqld-exporter" },
	{ 9115, "blackbox-exporter" },
	{ 9121, "redis-exporter" },
	{ 9150, "tor-browser" },
	{ 9160, "cassandra" },
	{ 9187, "postgres-exporter" },
	{ 9200, "elasticsearch" },
	{ 9300, "elasticsearch" },
	{ 9306, "sphinxql" },
	{ 9312, "sphinx" },
	{ 9389, "adws" },
	{ 9390, "openvas" },
	{ 9392, "greenbone" },
	{ 9443, "https-alt" },
	{ 9600, "omron-fins" },
	{ 9696, "neutron" },
	{ 9761, "insteon" },
	{ 9870, "hdfs-http" },
	{ 9943, "https-alt" },
	{ 9944, "substrate" },
	{ 9981, "tvheadend" },
	{ 9982, "tvheadend" },
	{ 9987, "teamspeak" },
	{ 9990, "jboss-mgmt" },
	{ 9993, "jboss-mgmt-s" },
	{ 9997, "splunk-fwd" },
	{ 10001, "scp-config" },
	{ 10011, "teamspeak-query" },
	{ 10110, "nmea-0183" },
	{ 10161, "snmp-tls" },
	{ 10162, "snmp-trap-tls" },
	{ 10248, "kubelet-health" },
	{ 10249, "kube-proxy" },
	{ 10250, "kubelet" },
	{ 10255, "kubelet" },
	{ 10256, "kube-proxy-health" },
	{ 10257, "kube-controller" },
	{ 10259, "kube-scheduler" },
	{ 10443, "https-alt" },
	{ 11001, "metasys" },
	{ 11211, "memcached" },
	{ 11434, "ollama" },
	{ 12201, "gelf" },
	{ 13720, "netbackup" },
	{ 13724, "netbackup-vnetd" },
	{ 13782, "netbackup-bpcd" },
	{ 14147, "filezilla-admin" },
	{ 14265, "iota" },
	{ 15671, "rabbitmq-mgmt" },
	{ 15672, "rabbitmq-mgmt" },
	{ 16010, "hbase-http" },
	{ 16379, "redis-cluster" },
	{ 16443, "kubernetes-alt" },
	{ 16509, "libvirt" },
	{ 16514, "libvirt-tls" },
	{ 16992, "amt-http" },
	{ 16993, "amt-https" },
	{ 16994, "amt-redir" },
	{ 18080, "http-alt" },
	{ 18081, "monero-rpc" },
	{ 18091, "couchbase-s" },
	{ 18245, "ge-srtp" },
	{ 18264, "checkpoint-ca" },
	{ 19132, "minecraft-be" },
	{ 19150, "gkrellm" },
	{ 19999, "netdata" },
	{ 20000, "dnp3" },
	{ 22000, "syncthing" },
	{ 22222, "ssh-alt" },
	{ 24800, "synergy" },
	{ 25565, "minecraft" },
	{ 25672, "rabbitmq-cluster" },
	{ 26000, "quake" },
	{ 26257, "cockroachdb" },
	{ 26379, "redis-sentinel" },
	{ 27015, "srcds" },
	{ 27017, "mongodb" },
	{ 27018, "mongodb" },
	{ 27019, "mongodb" },
	{ 27036, "steam" },
	{ 28015, "rethinkdb" },
	{ 28017, "mongodb-http" },
	{ 29418, "gerrit-ssh" },
	{ 30303, "ethereum" },
	{ 30718, "lantronix" },
	{ 32400, "plex" },
	{ 33060, "mysqlx" },
	{ 33848, "jenkins-udp" },
	{ 34567, "dvr" },
	{ 37777, "dahua-dvr" },
	{ 41795, "crestron" },
	{ 44818, "ethernet-ip" },
	{ 47001, "winrm" },
	{ 47808, "bacnet" },
	{ 50000, "db2" },
	{ 50030, "hadoop-http" },
	{ 50051, "grpc" },
	{ 50060, "hadoop-http" },
	{ 50070, "hdfs-http" },
	{ 50075, "hdfs-http" },
	{ 50090, "hdfs-http" },
	{ 51413, "transmission" },
	{ 55553, "msfrpc" },
	{ 60010, "hbase-http" },
	{ 60030, "hbase-http" },
	{ 61613, "stomp" },
	{ 61614, "stomp-s" },
	{ 61616, "activemq" },
	{ 62078, "iphone-sync" },
	{ 64738, "mumble" },
};

static const struct named own_udp[] = {
	{ 17, "qotd" },
	{ 80, "quic" },
	{ 135, "epmap" },
	{ 139, "netbios-ssn" },
	{ 407, "timbuktu" },
	{ 434, "mobileip" },
	{ 445, "microsoft-ds" },
	{ 497, "retrospect" },
	{ 502, "modbus" },
	{ 515, "printer" },
	{ 521, "ripng" },
	{ 593, "http-rpc-epmap" },
	{ 631, "ipp" },
	{ 698, "olsr" },
	{ 749, "kerberos-adm" },
	{ 767, "phonebook" },
	{ 902, "vmware" },
	{ 990, "ftps" },
	{ 1080, "socks" },
	{ 1234, "vlc" },
	{ 1433, "ms-sql-s" },
	{ 1514, "wazuh" },
	{ 1604, "ica-browser" },
	{ 1718, "h323-gatedisc" },
	{ 1719, "h323-gatestat" },
	{ 1720, "h323hostcall" },
	{ 1755, "ms-streaming" },
	{ 1883, "mqtt-sn" },
	{ 1900, "ssdp" },
	{ 1967, "ipsla" },
	{ 1985, "hsrp" },
	{ 2029, "hsrpv6" },
	{ 2048, "wccp" },
	{ 2055, "netflow" },
	{ 2123, "gtp-c" },
	{ 2152, "gtp-u" },
	{ 2222, "ethernet-ip-io" },
	{ 2427, "mgcp" },
	{ 2727, "mgcp" },
	{ 2944, "megaco" },
	{ 2945, "megaco" },
	{ 2967, "symantec-av" },
	{ 3074, "xbox" },
	{ 3222, "glbp" },
	{ 3283, "net-assistant" },
	{ 3289, "epson-discovery" },
	{ 3306, "mysql" },
	{ 3386, "gtp-prime" },
	{ 3389, "ms-wbt-server" },
	{ 3391, "rd-gateway" },
	{ 3478, "stun" },
	{ 3544, "teredo" },
	{ 3690, "svn" },
	{ 3702, "ws-discovery" },
	{ 3784, "bfd-control" },
	{ 3785, "bfd-echo" },
	{ 4045, "nlockmgr" },
	{ 4172, "pcoip" },
	{ 4433, "dtls" },
	{ 4501, "globalprotect" },
	{ 4665, "edonkey" },
	{ 4672, "edonkey" },
	{ 4739, "ipfix" },
	{ 4754, "gre-udp" },
	{ 4784, "bfd-multihop" },
	{ 4789, "vxlan" },
	{ 4840, "opcua" },
	{ 5000, "upnp" },
	{ 5001, "iperf" },
	{ 5003, "filemaker" },
	{ 5004, "rtp" },
	{ 5005, "rtcp" },
	{ 5093, "sentinel-lm" },
	{ 5094, "hart-ip" },
	{ 5201, "iperf3" },
	{ 5246, "capwap-control" },
	{ 5247, "capwap-data" },
	{ 5349, "stuns" },
	{ 5351, "nat-pmp" },
	{ 5355, "llmnr" },
	{ 5404, "corosync" },
	{ 5405, "corosync" },
	{ 5568, "sacn" },
	{ 5632, "pcanywhere-stat" },
	{ 5678, "mndp" },
	{ 5683, "coap" },
	{ 5684, "coaps" },
	{ 6081, "geneve" },
	{ 6343, "sflow" },
	{ 6454, "artnet" },
	{ 6514, "syslog-dtls" },
	{ 6771, "bittorrent-lpd" },
	{ 6881, "bittorrent-dht" },
	{ 6969, "bittorrent-tracker" },
	{ 7400, "dds" },
	{ 7401, "dds" },
	{ 7410, "dds" },
	{ 7411, "dds" },
	{ 7946, "swarm-gossip" },
	{ 8125, "statsd" },
	{ 8301, "serf-lan" },
	{ 8302, "serf-wan" },
	{ 8443, "quic" },
	{ 8472, "vxlan-old" },
	{ 8600, "consul-dns" },
	{ 8610, "canon-mfnp" },
	{ 8611, "canon-bjnp" },
	{ 8612, "canon-bjnp" },
	{ 8649, "ganglia" },
	{ 8805, "pfcp" },
	{ 9600, "omron-fins" },
	{ 9987, "teamspeak" },
	{ 9993, "zerotier" },
	{ 9995, "netflow" },
	{ 9996, "netflow" },
	{ 10000, "ndmp" },
	{ 10001, "ubnt-discovery" },
	{ 10080, "amanda" },
	{ 10161, "snmp-dtls" },
	{ 10162, "snmp-trap-dtls" },
	{ 10514, "syslog-alt" },
	{ 11211, "memcached" },
	{ 12201, "gelf" },
	{ 16384, "rtp" },
	{ 17185, "wdbrpc" },
	{ 17500, "dropbox-lan" },
	{ 19132, "minecraft-be" },
	{ 19302, "stun" },
	{ 20000, "dnp3" },
	{ 21027, "syncthing-discovery" },
	{ 24224, "fluentd" },
	{ 24441, "pyzor" },
	{ 25565, "minecraft-query" },
	{ 26000, "quake" },
	{ 27015, "srcds" },
	{ 27016, "srcds" },
	{ 27960, "quake3" },
	{ 29810, "omada-discovery" },
	{ 32400, "plex" },
	{ 32410, "plex-gdm" },
	{ 32412, "plex-gdm" },
	{ 32414, "plex-gdm" },
	{ 33434, "traceroute" },
	{ 33435, "traceroute" },
	{ 33436, "traceroute" },
	{ 33848, "jenkins" },
	{ 34962, "profinet" },
	{ 34963, "profinet" },
	{ 34964, "profinet" },
	{ 34980, "ethercat" },
	{ 37810, "dahua-discovery" },
	{ 38412, "ngap" },
	{ 41641, "tailscale" },
	{ 44818, "ethernet-ip" },
	{ 47808, "bacnet" },
	{ 51413, "transmission" },
	{ 51820, "wireguard" },
	{ 64738, "mumble" },
};

/* A line of the file; of several for a port the first counts. */
struct entry {
	uint16_t port;
	bool udp;
	uint32_t line;
	char name[NAME_MAX_LEN + 1];
};

struct services {
	struct entry *entries; /* sorted */
	uint32_t n, cap;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->udp != y->udp)
		return x->udp ? 1 : -1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int add(struct services *s, const struct entry *entry)
{
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 512;
		struct entry *grown = realloc(s->entries, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->entries = grown;
		s->cap = cap;
	}
	s->entries[s->n++] = *entry;
	return 0;
}

/* "name port/protocol aliases # comment". Return: whether it is such a line. */
static bool parse_line(const char *line, struct entry *ret_entry)
{
	struct entry entry = { 0 };
	char protocol[4];
	unsigned port;

	if (sscanf(line, " %63[^# \t\n] %5u/%3[a-z]", entry.name, &port, protocol) != 3 || !port ||
	    port > UINT16_MAX)
		return false;
	entry.udp = !strcmp(protocol, "udp");
	if (!entry.udp && strcmp(protocol, "tcp"))
		return false;
	entry.port = (uint16_t)port;
	*ret_entry = entry;
	return true;
}

static int read_file(struct services *s, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	int err = 0;

	if (!file)
		return 0;
	for (uint32_t i = 0; i < LINES_MAX && !err && fgets(line, sizeof(line), file); i++) {
		struct entry entry;

		if (!parse_line(line, &entry))
			continue;
		entry.line = i;
		err = add(s, &entry);
	}
	fclose(file);
	return err;
}

int services_new(const char *path, struct services **ret_services)
{
	struct services *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = read_file(s, path);
	if (err) {
		services_free(s);
		return err;
	}
	if (s->n)
		qsort(s->entries, s->n, sizeof(*s->entries), compare_entries);
	*ret_services = s;
	return 0;
}

struct services *services_free(struct services *s)
{
	if (s)
		free(s->entries);
	free(s);
	return NULL;
}

static const char *find_in_file(const struct services *s, uint16_t port, bool udp)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct entry *e = &s->entries[middle];

		if (e->port < port || (e->port == port && e->udp < udp))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->n && s->entries[low].port == port && s->entries[low].udp == udp)
		return s->entries[low].name;
	return NULL;
}

static int compare_named(const void *a, const void *b)
{
	return (int)((const struct named *)a)->port - (int)((const struct named *)b)->port;
}

const char *services_name(const struct services *s, uint16_t port, const char *protocol)
{
	bool udp = !strcmp(protocol, "udp");
	const char *name = find_in_file(s, port, udp);
	struct named key = { .port = port };
	const struct named *own;

	if (name)
		return name;
	own = udp ? bsearch(&key, own_udp, ARRAY_LEN(own_udp), sizeof(key), compare_named)
		  : bsearch(&key, own_tcp, ARRAY_LEN(own_tcp), sizeof(key), compare_named);
	return own ? own->name : NULL;
}
