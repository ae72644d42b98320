/* FTP: the connection of commands and replies, and the connections of data that it announces. */
#ifndef SONDE_WIRE_FTP_H
#define SONDE_WIRE_FTP_H

#include "wire/protocol.h"

extern const struct protocol protocol_ftp, protocol_ftp_data;

#endif
