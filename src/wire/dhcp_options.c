/*
 * Options of DHCP (RFC 2132, and the RFC that each names): most are one value or a list of equal
 * ones, and need a row alone. Places count from the option's code.
 */
#include "wire/dhcp.h"

static const struct value_name node_names[] = {
	{ 1, "broadcasts" }, { 2, "asks a server" }, { 4, "mixed" }, { 8, "hybrid" }, { 0 },
};
static const struct value_name overload_names[] = {
	{ 1, "options in the file name" },
	{ 2, "options in the server name" },
	{ 3, "options in file and server name" },
	{ 0 },
};
static const struct value_name architecture_names[] = {
	{ 0, "x86 BIOS" },
	{ 1, "NEC/PC98" },
	{ 2, "Itanium" },
	{ 3, "DEC Alpha" },
	{ 4, "Arc x86" },
	{ 5, "Intel lean client" },
	{ 6, "x86 UEFI" },
	{ 7, "x64 UEFI" },
	{ 8, "Xscale UEFI" },
	{ 9, "EBC" },
	{ 10, "ARM 32-bit UEFI" },
	{ 11, "ARM 64-bit UEFI" },
	{ 12, "PowerPC Open Firmware" },
	{ 13, "PowerPC ePAPR" },
	{ 14, "POWER OPAL v3" },
	{ 15, "x86 UEFI HTTP" },
	{ 16, "x64 UEFI HTTP" },
	{ 17, "EBC HTTP" },
	{ 18, "ARM 32-bit UEFI HTTP" },
	{ 19, "ARM 64-bit UEFI HTTP" },
	{ 20, "x86 BIOS HTTP" },
	{ 21, "ARM 32-bit U-Boot" },
	{ 22, "ARM 64-bit U-Boot" },
	{ 23, "ARM 32-bit U-Boot HTTP" },
	{ 24, "ARM 64-bit U-Boot HTTP" },
	{ 25, "RISC-V 32-bit UEFI" },
	{ 26, "RISC-V 32-bit UEFI HTTP" },
	{ 27, "RISC-V 64-bit UEFI" },
	{ 28, "RISC-V 64-bit UEFI HTTP" },
	{ 29, "RISC-V 128-bit UEFI" },
	{ 30, "RISC-V 128-bit UEFI HTTP" },
	{ 37, "LoongArch 32-bit UEFI" },
	{ 38, "LoongArch 32-bit UEFI HTTP" },
	{ 39, "LoongArch 64-bit UEFI" },
	{ 40, "LoongArch 64-bit UEFI HTTP" },
	{ 0 },
};
static const struct value_name state_names[] = {
	{ 1, "available" }, { 2, "active" },	    { 3, "expired" },
	{ 4, "released" },  { 5, "abandoned" },	    { 6, "reset" },
	{ 7, "remote" },    { 8, "transitioning" }, { 0 },
};
static const struct value_name auto_names[] = {
	{ 0, "do not" },
	{ 1, "configure yourself" },
	{ 0 },
};

static const struct field group = {
	AS_GROUP("dhcp.option", 0),
	.title = "Option",
	.repeats = true,
};
static const struct field head[] = {
	{ AS_UINT("dhcp.option.type", 0, 8), .title = "Code", .values = dhcp_option_names },
	{ AS_UINT("dhcp.option.length", BYTE(1), 8), .title = "Length",
	  .about = "Bytes of the value" },
};

static const struct field opt_1[] = { { AS_IP4("dhcp.option.subnet_mask", BYTE(2)),
					.title = "Subnet mask" } };
static const struct field opt_2[] = { { AS_INT("dhcp.option.time_offset", BYTE(2), 32),
					.title = "Time offset", .about = "Seconds east of UTC" } };
static const struct field opt_3[] = { { AS_IP4("dhcp.option.router", BYTE(2)), .repeats = true,
					.title = "Router" } };
static const struct field opt_4[] = { { AS_IP4("dhcp.option.time_server", BYTE(2)), .repeats = true,
					.title = "Time server" } };
static const struct field opt_5[] = { { AS_IP4("dhcp.option.name_server", BYTE(2)), .repeats = true,
					.title = "Name server" } };
static const struct field opt_6[] = { { AS_IP4("dhcp.option.domain_name_server", BYTE(2)),
					.repeats = true, .title = "DNS server" } };
static const struct field opt_7[] = { { AS_IP4("dhcp.option.log_server", BYTE(2)), .repeats = true,
					.title = "Log server" } };
static const struct field opt_8[] = { { AS_IP4("dhcp.option.quotes_server", BYTE(2)),
					.repeats = true, .title = "Quotes server" } };
static const struct field opt_9[] = { { AS_IP4("dhcp.option.lpr_server", BYTE(2)), .repeats = true,
					.title = "Line printer server" } };
static const struct field opt_10[] = { { AS_IP4("dhcp.option.impress_server", BYTE(2)),
					 .repeats = true, .title = "Impress server" } };
static const struct field opt_11[] = { { AS_IP4("dhcp.option.resource_location_server", BYTE(2)),
					 .repeats = true, .title = "Resource location server" } };
static const struct field opt_12[] = { { AS_TEXT("dhcp.option.hostname", BYTE(2), 0),
					 .title = "Host name" } };
static const struct field opt_13[] = { { AS_UINT("dhcp.option.boot_file_size", BYTE(2), 16),
					 .title = "Boot file size",
					 .about = "Blocks of 512 bytes" } };
static const struct field opt_14[] = { { AS_TEXT("dhcp.option.merit_dump_file", BYTE(2), 0),
					 .title = "Merit dump file" } };
static const struct field opt_15[] = { { AS_TEXT("dhcp.option.domain_name", BYTE(2), 0),
					 .title = "Domain name" } };
static const struct field opt_16[] = { { AS_IP4("dhcp.option.swap_server", BYTE(2)),
					 .title = "Swap server" } };
static const struct field opt_17[] = { { AS_TEXT("dhcp.option.root_path", BYTE(2), 0),
					 .title = "Root path" } };
static const struct field opt_18[] = { { AS_TEXT("dhcp.option.extension_path", BYTE(2), 0),
					 .title = "Extensions path" } };
static const struct field opt_19[] = { { AS_("dhcp.option.ip_forwarding", BYTE(2), 8, FIELD_FLAG),
					 .title = "IP forwarding" } };
static const struct field opt_20[] = { { AS_("dhcp.option.non_local_source_routing", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "Non-local source routing" } };
static const struct field opt_22[] = { { AS_UINT("dhcp.option.max_datagram_reassembly_size",
						 BYTE(2), 16),
					 .title = "Maximum reassembly size" } };
static const struct field opt_23[] = { { AS_UINT("dhcp.option.default_ip_ttl", BYTE(2), 8),
					 .title = "Default time to live" } };
static const struct field opt_24[] = { { AS_UINT("dhcp.option.path_mtu_aging_timeout", BYTE(2), 32),
					 .title = "Path MTU aging time-out", .about = "Seconds" } };
static const struct field opt_25[] = { { AS_UINT("dhcp.option.path_mtu_plateau_table_item", BYTE(2),
						 16),
					 .repeats = true, .title = "Path MTU plateau" } };
static const struct field opt_26[] = { { AS_UINT("dhcp.option.interface_mtu", BYTE(2), 16),
					 .title = "Interface MTU" } };
static const struct field opt_27[] = { { AS_("dhcp.option.all_subnets_are_local", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "All subnets are local" } };
static const struct field opt_28[] = { { AS_IP4("dhcp.option.broadcast_address", BYTE(2)),
					 .title = "Broadcast address" } };
static const struct field opt_29[] = { { AS_("dhcp.option.perform_mask_discovery", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "Perform mask discovery" } };
static const struct field opt_30[] = { { AS_("dhcp.option.mask_supplier", BYTE(2), 8, FIELD_FLAG),
					 .title = "Mask supplier" } };
static const struct field opt_31[] = { { AS_("dhcp.option.perform_router_discover", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "Perform router discovery" } };
static const struct field opt_32[] = { { AS_IP4("dhcp.option.router_solicitation_address", BYTE(2)),
					 .title = "Router solicitation address" } };
static const struct field opt_34[] = { { AS_("dhcp.option.trailer_encapsulation", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "Trailer encapsulation" } };
static const struct field opt_35[] = { { AS_UINT("dhcp.option.arp_cache_timeout", BYTE(2), 32),
					 .title = "ARP cache time-out", .about = "Seconds" } };
static const struct field opt_36[] = { { AS_("dhcp.option.ethernet_encapsulation", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "IEEE 802.3 encapsulation" } };
static const struct field opt_37[] = { { AS_UINT("dhcp.option.tcp_default_ttl", BYTE(2), 8),
					 .title = "TCP default time to live" } };
static const struct field opt_38[] = { { AS_UINT("dhcp.option.tcp_keepalive_interval", BYTE(2), 32),
					 .title = "TCP keepalive interval", .about = "Seconds" } };
static const struct field opt_39[] = { { AS_("dhcp.option.tcp_keepalive_garbage", BYTE(2), 8,
					     FIELD_FLAG),
					 .title = "TCP keepalive garbage" } };
static const struct field opt_40[] = { { AS_TEXT("dhcp.option.nis_domain", BYTE(2), 0),
					 .title = "NIS domain" } };
static const struct field opt_41[] = { { AS_IP4("dhcp.option.nis_server", BYTE(2)), .repeats = true,
					 .title = "NIS server" } };
static const struct field opt_42[] = { { AS_IP4("dhcp.option.ntp_server", BYTE(2)), .repeats = true,
					 .title = "NTP server" } };
static const struct field opt_43[] = { { AS_BYTES("dhcp.option.vendor.value", BYTE(2), 0),
					 .title = "Vendor's information" } };
static const struct field opt_44[] = { { AS_IP4("dhcp.option.netbios_over_tcpip_name_server",
						BYTE(2)),
					 .repeats = true, .title = "NetBIOS name server" } };
static const struct field opt_45[] = { { AS_IP4("dhcp.option.netbios_over_tcpip_dd_name_server",
						BYTE(2)),
					 .repeats = true, .title = "NetBIOS datagram server" } };
static const struct field opt_46[] = { { AS_UINT("dhcp.option.netbios_over_tcpip_node_type",
						 BYTE(2), 8),
					 .title = "NetBIOS node type", .values = node_names } };
static const struct field opt_47[] = {
	{ AS_TEXT("dhcp.option.netbios_over_tcpip_scope", BYTE(2), 0), .title = "NetBIOS scope" }
};
static const struct field opt_48[] = { { AS_IP4("dhcp.option.xwindows_system_font_server", BYTE(2)),
					 .repeats = true, .title = "X font server" } };
static const struct field opt_49[] = { { AS_IP4("dhcp.option.xwindows_system_display_manager",
						BYTE(2)),
					 .repeats = true, .title = "X display manager" } };
static const struct field opt_50[] = { { AS_IP4("dhcp.option.requested_ip_address", BYTE(2)),
					 .title = "Requested address" } };
static const struct field opt_51[] = { { AS_UINT("dhcp.option.ip_address_lease_time", BYTE(2), 32),
					 .title = "Lease time", .about = "Seconds" } };
static const struct field opt_52[] = { { AS_UINT("dhcp.option.option_overload", BYTE(2), 8),
					 .title = "Option overload", .values = overload_names } };
static const struct field opt_53[] = { { AS_UINT("dhcp.option.dhcp", BYTE(2), 8),
					 .title = "Message type", .values = dhcp_type_names } };
static const struct field opt_54[] = { { AS_IP4("dhcp.option.dhcp_server_id", BYTE(2)),
					 .title = "Server identifier" } };
static const struct field opt_55[] = { { AS_UINT("dhcp.option.request_list_item", BYTE(2), 8),
					 .repeats = true, .title = "Wanted option",
					 .values = dhcp_option_names } };
static const struct field opt_56[] = { { AS_TEXT("dhcp.option.message", BYTE(2), 0),
					 .title = "Message" } };
static const struct field opt_57[] = { { AS_UINT("dhcp.option.dhcp_max_message_size", BYTE(2), 16),
					 .title = "Maximum message size" } };
static const struct field opt_58[] = { { AS_UINT("dhcp.option.renewal_time_value", BYTE(2), 32),
					 .title = "Renewal time", .about = "Seconds" } };
static const struct field opt_59[] = { { AS_UINT("dhcp.option.rebinding_time_value", BYTE(2), 32),
					 .title = "Rebinding time", .about = "Seconds" } };
static const struct field opt_60[] = { { AS_TEXT("dhcp.option.vendor_class_id", BYTE(2), 0),
					 .title = "Vendor class" } };
static const struct field opt_64[] = { { AS_TEXT("dhcp.option.nis_plus_domain", BYTE(2), 0),
					 .title = "NIS+ domain" } };
static const struct field opt_65[] = { { AS_IP4("dhcp.option.nis_plus_server", BYTE(2)),
					 .repeats = true, .title = "NIS+ server" } };
static const struct field opt_66[] = { { AS_TEXT("dhcp.option.tftp_server_name", BYTE(2), 0),
					 .title = "TFTP server name" } };
static const struct field opt_67[] = { { AS_TEXT("dhcp.option.bootfile_name", BYTE(2), 0),
					 .title = "Boot file name" } };
static const struct field opt_68[] = { { AS_IP4("dhcp.option.mobile_ip_home_agent", BYTE(2)),
					 .repeats = true, .title = "Mobile IP home agent" } };
static const struct field opt_69[] = { { AS_IP4("dhcp.option.smtp_server", BYTE(2)),
					 .repeats = true, .title = "SMTP server" } };
static const struct field opt_70[] = { { AS_IP4("dhcp.option.pop3_server", BYTE(2)),
					 .repeats = true, .title = "POP3 server" } };
static const struct field opt_71[] = { { AS_IP4("dhcp.option.nntp_server", BYTE(2)),
					 .repeats = true, .title = "NNTP server" } };
static const struct field opt_72[] = { { AS_IP4("dhcp.option.default_www_server", BYTE(2)),
					 .repeats = true, .title = "WWW server" } };
static const struct field opt_73[] = { { AS_IP4("dhcp.option.default_finger_server", BYTE(2)),
					 .repeats = true, .title = "Finger server" } };
static const struct field opt_74[] = { { AS_IP4("dhcp.option.default_irc_server", BYTE(2)),
					 .repeats = true, .title = "IRC server" } };
static const struct field opt_75[] = { { AS_IP4("dhcp.option.streettalk_server", BYTE(2)),
					 .repeats = true, .title = "StreetTalk server" } };
static const struct field opt_76[] = { { AS_IP4("dhcp.option.streettalk_da_server", BYTE(2)),
					 .repeats = true,
					 .title = "StreetTalk directory server" } };
static const struct field opt_85[] = { { AS_IP4("dhcp.option.novell_dss.ip", BYTE(2)),
					 .repeats = true, .title = "Novell directory server" } };
static const struct field opt_86[] = { { AS_TEXT("dhcp.option.novell_ds_tree_name", BYTE(2), 0),
					 .title = "Novell directory tree" } };
static const struct field opt_87[] = { { AS_TEXT("dhcp.option.novell_ds_context", BYTE(2), 0),
					 .title = "Novell directory context" } };
static const struct field opt_91[] = { { AS_UINT("dhcp.option.client_last_transaction_time",
						 BYTE(2), 32),
					 .title = "Client's last transaction time" } };
static const struct field opt_92[] = { { AS_IP4("dhcp.option.associated_ip_option", BYTE(2)),
					 .repeats = true, .title = "Associated address" } };
static const struct field opt_93[] = {
	{ AS_UINT("dhcp.option.client_system_architecture", BYTE(2), 16), .repeats = true,
	  .title = "Client's architecture", .values = architecture_names }
};
static const struct field opt_100[] = { { AS_TEXT("dhcp.option.tz_pcode", BYTE(2), 0),
					  .title = "POSIX time zone" } };
static const struct field opt_101[] = { { AS_TEXT("dhcp.option.tz_tcode", BYTE(2), 0),
					  .title = "Time zone" } };
static const struct field opt_112[] = { { AS_IP4("dhcp.option.netinfo_parent_server_address",
						 BYTE(2)),
					  .repeats = true, .title = "NetInfo parent server" } };
static const struct field opt_113[] = { { AS_TEXT("dhcp.option.netinfo_parent_server_tag", BYTE(2),
						  0),
					  .title = "NetInfo parent server tag" } };
static const struct field opt_114[] = { { AS_TEXT("dhcp.option.captive_portal", BYTE(2), 0),
					  .title = "Captive portal" } };
static const struct field opt_116[] = { { AS_UINT("dhcp.option.dhcp_auto_configuration", BYTE(2),
						  8),
					  .title = "Auto-configuration", .values = auto_names } };
static const struct field opt_118[] = { { AS_IP4("dhcp.option.subnet_selection_option", BYTE(2)),
					  .title = "Subnet selection" } };
static const struct field opt_136[] = { { AS_IP4("dhcp.option.pana_agent", BYTE(2)),
					  .repeats = true, .title = "PANA agent" } };
static const struct field opt_138[] = { { AS_IP4("dhcp.option.capwap_access_controller", BYTE(2)),
					  .repeats = true, .title = "CAPWAP access controller" } };
static const struct field opt_142[] = { { AS_IP4("dhcp.option.andsf_server", BYTE(2)),
					  .repeats = true, .title = "ANDSF server" } };
static const struct field opt_145[] = {
	{ AS_UINT("dhcp.option.forcerenew_nonce.algorithm", BYTE(2), 8), .repeats = true,
	  .title = "Forcerenew nonce algorithm" }
};
static const struct field opt_150[] = { { AS_IP4("dhcp.option.tftp_server_address", BYTE(2)),
					  .repeats = true, .title = "TFTP server address" } };
static const struct field opt_152[] = { { AS_("dhcp.option.bulk_lease.base_time", BYTE(2), 32,
					      FIELD_TIME),
					  .title = "Lease query base time" } };
static const struct field opt_153[] = { { AS_UINT("dhcp.option.bulk_lease.start_time_of_state",
						  BYTE(2), 32),
					  .title = "Time since the state began" } };
static const struct field opt_154[] = { { AS_("dhcp.option.bulk_lease.query_start_time", BYTE(2),
					      32, FIELD_TIME),
					  .title = "Lease query start" } };
static const struct field opt_155[] = { { AS_("dhcp.option.bulk_lease.query_end_time", BYTE(2), 32,
					      FIELD_TIME),
					  .title = "Lease query end" } };
static const struct field opt_156[] = { { AS_UINT("dhcp.option.bulk_lease.dhcp_state", BYTE(2), 8),
					  .title = "Lease state", .values = state_names } };
static const struct field opt_157[] = { { AS_UINT("dhcp.option.bulk_lease.data_source", BYTE(2), 8),
					  .title = "Lease data source" } };
static const struct field opt_161[] = { { AS_TEXT("dhcp.option.mudurl", BYTE(2), 0),
					  .title = "Manufacturer usage description" } };
static const struct field opt_209[] = { { AS_TEXT("dhcp.option.pxe_config_file", BYTE(2), 0),
					  .title = "PXE configuration file" } };
static const struct field opt_210[] = { { AS_TEXT("dhcp.option.pxe_path_prefix", BYTE(2), 0),
					  .title = "PXE path prefix" } };
static const struct field opt_252[] = { { AS_TEXT("dhcp.option.private_proxy_autodiscovery",
						  BYTE(2), 0),
					  .title = "Proxy configuration" } };

static const struct field opaque[] = {
	{ AS_BYTES("dhcp.option.value", BYTE(2), 0), .title = "Value" },
};
static const struct field end_rows[] = {
	{ AS_UINT("dhcp.option.end", 0, 8), .title = "End" },
};

static const struct field filter_rows[] = {
	{ AS_IP4("dhcp.option.policy_filter.ip", 0), .title = "Address" },
	{ AS_IP4("dhcp.option.policy_filter.subnet_mask", BYTE(4)), .title = "Mask" },
};
static const struct block filter_block = {
	.name = "policy-filter",
	.title = "Filter",
	.rfc = "RFC 2132 section 4.3",
	ROWS(filter_rows),
	.min_len = 8,
};
static const struct field policy_filter_group[] = {
	{ AS_GROUP("dhcp.option.policy_filter", BYTE(2)), .repeats = true, .title = "Filter",
	  .block = &filter_block },
};
static const struct field route_rows[] = {
	{ AS_IP4("dhcp.option.static_route.ip", 0), .title = "Destination" },
	{ AS_IP4("dhcp.option.static_route.router", BYTE(4)), .title = "Router" },
};
static const struct block route_block = {
	.name = "static-route",
	.title = "Route",
	.rfc = "RFC 2132 section 5.8",
	ROWS(route_rows),
	.min_len = 8,
};
static const struct field static_route_group[] = {
	{ AS_GROUP("dhcp.option.static_route", BYTE(2)), .repeats = true, .title = "Route",
	  .block = &route_block },
};

#define OPTION(number, n, t, r, rows)                                                             \
	{                                                                                         \
		.name = (n), .title = (t), .rfc = (r), ROWS(rows), .min_len = 2, .code = (number) \
	}

static const struct block blocks[] = {
	{ .name = "pad", .title = "Padding", .rfc = "RFC 2132", .bare = true },
	OPTION(1, "subnet_mask", "Subnet mask", "RFC 2132", opt_1),
	OPTION(2, "time_offset", "Time offset", "RFC 2132", opt_2),
	OPTION(3, "router", "Router", "RFC 2132", opt_3),
	OPTION(4, "time_server", "Time server", "RFC 2132", opt_4),
	OPTION(5, "name_server", "Name server", "RFC 2132", opt_5),
	OPTION(6, "domain_name_server", "DNS server", "RFC 2132", opt_6),
	OPTION(7, "log_server", "Log server", "RFC 2132", opt_7),
	OPTION(8, "quotes_server", "Quotes server", "RFC 2132", opt_8),
	OPTION(9, "lpr_server", "Line printer server", "RFC 2132", opt_9),
	OPTION(10, "impress_server", "Impress server", "RFC 2132", opt_10),
	OPTION(11, "resource_location_server", "Resource location server", "RFC 2132", opt_11),
	OPTION(12, "hostname", "Host name", "RFC 2132", opt_12),
	OPTION(13, "boot_file_size", "Boot file size", "RFC 2132", opt_13),
	OPTION(14, "merit_dump_file", "Merit dump file", "RFC 2132", opt_14),
	OPTION(15, "domain_name", "Domain name", "RFC 2132", opt_15),
	OPTION(16, "swap_server", "Swap server", "RFC 2132", opt_16),
	OPTION(17, "root_path", "Root path", "RFC 2132", opt_17),
	OPTION(18, "extension_path", "Extensions path", "RFC 2132", opt_18),
	OPTION(19, "ip_forwarding", "IP forwarding", "RFC 2132", opt_19),
	OPTION(20, "non_local_source_routing", "Non-local source routing", "RFC 2132", opt_20),
	OPTION(21, "policy_filter", "Policy filter", "RFC 2132", policy_filter_group),
	OPTION(22, "max_datagram_reassembly_size", "Maximum reassembly size", "RFC 2132", opt_22),
	OPTION(23, "default_ip_ttl", "Default time to live", "RFC 2132", opt_23),
	OPTION(24, "path_mtu_aging_timeout", "Path MTU aging time-out", "RFC 2132", opt_24),
	OPTION(25, "path_mtu_plateau_table_item", "Path MTU plateau", "RFC 2132", opt_25),
	OPTION(26, "interface_mtu", "Interface MTU", "RFC 2132", opt_26),
	OPTION(27, "all_subnets_are_local", "All subnets are local", "RFC 2132", opt_27),
	OPTION(28, "broadcast_address", "Broadcast address", "RFC 2132", opt_28),
	OPTION(29, "perform_mask_discovery", "Perform mask discovery", "RFC 2132", opt_29),
	OPTION(30, "mask_supplier", "Mask supplier", "RFC 2132", opt_30),
	OPTION(31, "perform_router_discover", "Perform router discovery", "RFC 2132", opt_31),
	OPTION(32, "router_solicitation_address", "Router solicitation address", "RFC 2132",
	       opt_32),
	OPTION(33, "static_route", "Static route", "RFC 2132", static_route_group),
	OPTION(34, "trailer_encapsulation", "Trailer encapsulation", "RFC 2132", opt_34),
	OPTION(35, "arp_cache_timeout", "ARP cache time-out", "RFC 2132", opt_35),
	OPTION(36, "ethernet_encapsulation", "IEEE 802.3 encapsulation", "RFC 2132", opt_36),
	OPTION(37, "tcp_default_ttl", "TCP default time to live", "RFC 2132", opt_37),
	OPTION(38, "tcp_keepalive_interval", "TCP keepalive interval", "RFC 2132", opt_38),
	OPTION(39, "tcp_keepalive_garbage", "TCP keepalive garbage", "RFC 2132", opt_39),
	OPTION(40, "nis_domain", "NIS domain", "RFC 2132", opt_40),
	OPTION(41, "nis_server", "NIS server", "RFC 2132", opt_41),
	OPTION(42, "ntp_server", "NTP server", "RFC 2132", opt_42),
	OPTION(43, "vendor", "Vendor's information", "RFC 2132", opt_43),
	OPTION(44, "netbios_over_tcpip_name_server", "NetBIOS name server", "RFC 2132", opt_44),
	OPTION(45, "netbios_over_tcpip_dd_name_server", "NetBIOS datagram server", "RFC 2132",
	       opt_45),
	OPTION(46, "netbios_over_tcpip_node_type", "NetBIOS node type", "RFC 2132", opt_46),
	OPTION(47, "netbios_over_tcpip_scope", "NetBIOS scope", "RFC 2132", opt_47),
	OPTION(48, "xwindows_system_font_server", "X font server", "RFC 2132", opt_48),
	OPTION(49, "xwindows_system_display_manager", "X display manager", "RFC 2132", opt_49),
	OPTION(50, "requested_ip_address", "Requested address", "RFC 2132", opt_50),
	OPTION(51, "ip_address_lease_time", "Lease time", "RFC 2132", opt_51),
	OPTION(52, "option_overload", "Option overload", "RFC 2132", opt_52),
	OPTION(53, "type", "Message type", "RFC 2132", opt_53),
	OPTION(54, "dhcp_server_id", "Server identifier", "RFC 2132", opt_54),
	OPTION(55, "request_list_item", "Wanted option", "RFC 2132", opt_55),
	OPTION(56, "message", "Message", "RFC 2132", opt_56),
	OPTION(57, "dhcp_max_message_size", "Maximum message size", "RFC 2132", opt_57),
	OPTION(58, "renewal_time_value", "Renewal time", "RFC 2132", opt_58),
	OPTION(59, "rebinding_time_value", "Rebinding time", "RFC 2132", opt_59),
	OPTION(60, "vendor_class_id", "Vendor class", "RFC 2132", opt_60),
	{ .name = "client_id",
	  .title = "Client identifier",
	  .rfc = "RFC 2132",
	  .min_len = 2,
	  .code = 61 },
	{ .name = "netware_domain",
	  .title = "NetWare domain",
	  .rfc = "RFC 2242",
	  .min_len = 2,
	  .code = 62 },
	{ .name = "netware",
	  .title = "NetWare information",
	  .rfc = "RFC 2242",
	  .min_len = 2,
	  .code = 63 },
	OPTION(64, "nis_plus_domain", "NIS+ domain", "RFC 2132", opt_64),
	OPTION(65, "nis_plus_server", "NIS+ server", "RFC 2132", opt_65),
	OPTION(66, "tftp_server_name", "TFTP server name", "RFC 2132", opt_66),
	OPTION(67, "bootfile_name", "Boot file name", "RFC 2132", opt_67),
	OPTION(68, "mobile_ip_home_agent", "Mobile IP home agent", "RFC 2132", opt_68),
	OPTION(69, "smtp_server", "SMTP server", "RFC 2132", opt_69),
	OPTION(70, "pop3_server", "POP3 server", "RFC 2132", opt_70),
	OPTION(71, "nntp_server", "NNTP server", "RFC 2132", opt_71),
	OPTION(72, "default_www_server", "WWW server", "RFC 2132", opt_72),
	OPTION(73, "default_finger_server", "Finger server", "RFC 2132", opt_73),
	OPTION(74, "default_irc_server", "IRC server", "RFC 2132", opt_74),
	OPTION(75, "streettalk_server", "StreetTalk server", "RFC 2132", opt_75),
	OPTION(76, "streettalk_da_server", "StreetTalk directory server", "RFC 2132", opt_76),
	{ .name = "user_class",
	  .title = "User class",
	  .rfc = "RFC 3004",
	  .min_len = 2,
	  .code = 77 },
	{ .name = "slp_agent",
	  .title = "SLP directory agent",
	  .rfc = "RFC 2610",
	  .min_len = 2,
	  .code = 78 },
	{ .name = "slp_scope",
	  .title = "SLP service scope",
	  .rfc = "RFC 2610",
	  .min_len = 2,
	  .code = 79 },
	{ .name = "rapid_commit",
	  .title = "Rapid commit",
	  .rfc = "RFC 4039",
	  .min_len = 2,
	  .code = 80 },
	{ .name = "fqdn",
	  .title = "Client's full name",
	  .rfc = "RFC 4702",
	  .min_len = 2,
	  .code = 81 },
	{ .name = "agent",
	  .title = "Relay agent information",
	  .rfc = "RFC 3046",
	  .min_len = 2,
	  .code = 82 },
	{ .name = "isns",
	  .title = "Internet storage name service",
	  .rfc = "RFC 4174",
	  .min_len = 2,
	  .code = 83 },
	OPTION(85, "novell_servers", "Novell directory server", "RFC 2241", opt_85),
	OPTION(86, "novell_ds_tree_name", "Novell directory tree", "RFC 2241", opt_86),
	OPTION(87, "novell_ds_context", "Novell directory context", "RFC 2241", opt_87),
	{ .name = "bcmcs_names",
	  .title = "BCMCS controller names",
	  .rfc = "RFC 4280",
	  .min_len = 2,
	  .code = 88 },
	{ .name = "bcmcs_addresses",
	  .title = "BCMCS controller addresses",
	  .rfc = "RFC 4280",
	  .min_len = 2,
	  .code = 89 },
	{ .name = "authentication",
	  .title = "Authentication",
	  .rfc = "RFC 3118",
	  .min_len = 2,
	  .code = 90 },
	OPTION(91, "client_last_transaction_time", "Client's last transaction time", "RFC 4388",
	       opt_91),
	OPTION(92, "associated_ip_option", "Associated address", "RFC 4388", opt_92),
	OPTION(93, "client_system_architecture", "Client's architecture", "RFC 4578", opt_93),
	{ .name = "client_ndi",
	  .title = "Client's network interface",
	  .rfc = "RFC 4578",
	  .min_len = 2,
	  .code = 94 },
	{ .name = "ldap", .title = "LDAP", .rfc = "RFC 3679", .min_len = 2, .code = 95 },
	{ .name = "uuid",
	  .title = "Client's machine identifier",
	  .rfc = "RFC 4578",
	  .min_len = 2,
	  .code = 97 },
	{ .name = "uap",
	  .title = "User authentication",
	  .rfc = "RFC 2485",
	  .min_len = 2,
	  .code = 98 },
	{ .name = "civic", .title = "Civic location", .rfc = "RFC 4776", .min_len = 2, .code = 99 },
	OPTION(100, "tz_pcode", "POSIX time zone", "RFC 4833", opt_100),
	OPTION(101, "tz_tcode", "Time zone", "RFC 4833", opt_101),
	{ .name = "v6_only",
	  .title = "IPv6-only preferred",
	  .rfc = "RFC 8925",
	  .min_len = 2,
	  .code = 108 },
	OPTION(112, "netinfo_parent_server_address", "NetInfo parent server", "RFC 3679", opt_112),
	OPTION(113, "netinfo_parent_server_tag", "NetInfo parent server tag", "RFC 3679", opt_113),
	OPTION(114, "captive_portal", "Captive portal", "RFC 8910", opt_114),
	OPTION(116, "dhcp_auto_configuration", "Auto-configuration", "RFC 2563", opt_116),
	{ .name = "name_service_search",
	  .title = "Name service search",
	  .rfc = "RFC 2937",
	  .min_len = 2,
	  .code = 117 },
	OPTION(118, "subnet_selection_option", "Subnet selection", "RFC 3011", opt_118),
	{ .name = "domain_search",
	  .title = "Domain search",
	  .rfc = "RFC 3397",
	  .min_len = 2,
	  .code = 119 },
	{ .name = "sip_servers",
	  .title = "SIP servers",
	  .rfc = "RFC 3361",
	  .min_len = 2,
	  .code = 120 },
	{ .name = "routes",
	  .title = "Classless static routes",
	  .rfc = "RFC 3442",
	  .min_len = 2,
	  .code = 121 },
	{ .name = "cablelabs",
	  .title = "CableLabs client configuration",
	  .rfc = "RFC 3495",
	  .min_len = 2,
	  .code = 122 },
	{ .name = "coordinates",
	  .title = "Coordinates",
	  .rfc = "RFC 6225",
	  .min_len = 2,
	  .code = 123 },
	{ .name = "vendor_classes",
	  .title = "Vendor-identifying classes",
	  .rfc = "RFC 3925",
	  .min_len = 2,
	  .code = 124 },
	{ .name = "vendor_options",
	  .title = "Vendor-identifying information",
	  .rfc = "RFC 3925",
	  .min_len = 2,
	  .code = 125 },
	OPTION(136, "pana_agent", "PANA agent", "RFC 5192", opt_136),
	{ .name = "lost", .title = "LoST server", .rfc = "RFC 5223", .min_len = 2, .code = 137 },
	OPTION(138, "capwap_access_controller", "CAPWAP access controller", "RFC 5417", opt_138),
	{ .name = "mos_addresses",
	  .title = "Mobility servers' addresses",
	  .rfc = "RFC 5678",
	  .min_len = 2,
	  .code = 139 },
	{ .name = "mos_names",
	  .title = "Mobility servers' names",
	  .rfc = "RFC 5678",
	  .min_len = 2,
	  .code = 140 },
	{ .name = "sip_ua",
	  .title = "SIP configuration domains",
	  .rfc = "RFC 6011",
	  .min_len = 2,
	  .code = 141 },
	OPTION(142, "andsf_server", "ANDSF server", "RFC 6153", opt_142),
	{ .name = "sztp",
	  .title = "Zero touch redirect",
	  .rfc = "RFC 8572",
	  .min_len = 2,
	  .code = 143 },
	{ .name = "geoloc",
	  .title = "Geographical location",
	  .rfc = "RFC 6225",
	  .min_len = 2,
	  .code = 144 },
	OPTION(145, "forcerenew_nonce", "Forcerenew nonce algorithm", "RFC 6704", opt_145),
	{ .name = "rdnss_selection",
	  .title = "DNS server selection",
	  .rfc = "RFC 6731",
	  .min_len = 2,
	  .code = 146 },
	OPTION(150, "tftp_server_address", "TFTP server address", "RFC 5859", opt_150),
	{ .name = "status",
	  .title = "Status of the lease query",
	  .rfc = "RFC 6926",
	  .min_len = 2,
	  .code = 151 },
	OPTION(152, "base_time", "Lease query base time", "RFC 6926", opt_152),
	OPTION(153, "start_time_of_state", "Time since the state began", "RFC 6926", opt_153),
	OPTION(154, "query_start_time", "Lease query start", "RFC 6926", opt_154),
	OPTION(155, "query_end_time", "Lease query end", "RFC 6926", opt_155),
	OPTION(156, "dhcp_state", "Lease state", "RFC 6926", opt_156),
	OPTION(157, "data_source", "Lease data source", "RFC 6926", opt_157),
	{ .name = "pcp", .title = "PCP server", .rfc = "RFC 7291", .min_len = 2, .code = 158 },
	{ .name = "portparams",
	  .title = "Port parameters",
	  .rfc = "RFC 7618",
	  .min_len = 2,
	  .code = 159 },
	OPTION(161, "mudurl", "Manufacturer usage description", "RFC 8520", opt_161),
	{ .name = "dnr",
	  .title = "Encrypted DNS resolvers",
	  .rfc = "RFC 9463",
	  .min_len = 2,
	  .code = 162 },
	{ .name = "pxelinux_magic",
	  .title = "PXELINUX magic",
	  .rfc = "RFC 5071",
	  .min_len = 2,
	  .code = 208 },
	OPTION(209, "pxe_config_file", "PXE configuration file", "RFC 5071", opt_209),
	OPTION(210, "pxe_path_prefix", "PXE path prefix", "RFC 5071", opt_210),
	{ .name = "reboot_time",
	  .title = "Reboot time",
	  .rfc = "RFC 5071",
	  .min_len = 2,
	  .code = 211 },
	{ .name = "6rd", .title = "6rd", .rfc = "RFC 5969", .min_len = 2, .code = 212 },
	{ .name = "access_domain",
	  .title = "Access network domain",
	  .rfc = "RFC 5986",
	  .min_len = 2,
	  .code = 213 },
	{ .name = "subnet_allocation",
	  .title = "Subnet allocation",
	  .rfc = "RFC 6656",
	  .min_len = 2,
	  .code = 220 },
	{ .name = "vss",
	  .title = "Virtual subnet selection",
	  .rfc = "RFC 6607",
	  .min_len = 2,
	  .code = 221 },
	{ .name = "microsoft_routes",
	  .title = "Classless static routes, Microsoft's",
	  .rfc = "MS-DHCPE",
	  .min_len = 2,
	  .code = 249 },
	OPTION(252, "private_proxy_autodiscovery", "Proxy configuration", "WPAD", opt_252),
	{ .name = "end",
	  .title = "End",
	  .rfc = "RFC 2132",
	  ROWS(end_rows),
	  .bare = true,
	  .code = 255 },
};
static const struct block unknown = OPTION(0, "opt", "Option", "RFC 2132", opaque);

const struct options dhcp_options = {
	.group = &group,
	.head = head,
	.n_head = ARRAY_LEN(head),
	.blocks = blocks,
	.n_blocks = ARRAY_LEN(blocks),
	.unknown = &unknown,
	.unit = 1,
	.add = 2,
	.align = 1,
	.end = 255,
	.pad = 0,
};
