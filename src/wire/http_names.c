/*
 * Status codes as IANA registers them (http-status-codes), and the header fields that Wireshark has
 * a field for.
 */
#include "wire/http.h"

const struct value_name http_status_names[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 102, "Processing" },
	{ 103, "Early Hints" },
	{ 104, "Upload Resumption Supported" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 208, "Already Reported" },
	{ 226, "IM Used" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 418, "I'm a teapot" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 506, "Variant Also Negotiates" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
	{ 510, "Not Extended" },
	{ 511, "Network Authentication Required" },
	{ 0 },
};

#define HEADER(n, name)                                           \
	{                                                         \
		AS_("http." n, 0, 0, FIELD_TEXT), .title = (name) \
	}
/* Fields that a message usually has several of. */
#define HEADERS(n, name)                                                           \
	{                                                                          \
		AS_("http." n, 0, 0, FIELD_TEXT), .title = (name), .repeats = true \
	}

const struct field http_header_rows[N_HTTP_HEADERS] = {
	[HTTP_ROW_HOST] = HEADER("host", "Host"),
	[HTTP_ROW_CONTENT_TYPE] = HEADER("content_type", "Content-Type"),
	[HTTP_ROW_CONTENT_LENGTH] = HEADER("content_length_header", "Content-Length"),
	[HTTP_ROW_CONTENT_ENCODING] = HEADER("content_encoding", "Content-Encoding"),
	[HTTP_ROW_AUTHORIZATION] = HEADER("authorization", "Authorization"),
	[HTTP_ROW_PROXY_AUTHORIZATION] = HEADER("proxy_authorization", "Proxy-Authorization"),
	[HTTP_ROW_COOKIE] = HEADER("cookie", "Cookie"),
	HEADERS("set_cookie", "Set-Cookie"),
	HEADERS("www_authenticate", "WWW-Authenticate"),
	HEADERS("proxy_authenticate", "Proxy-Authenticate"),
	HEADERS("x_forwarded_for", "X-Forwarded-For"),
	HEADER("user_agent", "User-Agent"),
	HEADER("accept", "Accept"),
	HEADER("accept_encoding", "Accept-Encoding"),
	HEADER("accept_language", "Accept-Language"),
	HEADER("referer", "Referer"),
	HEADER("connection", "Connection"),
	HEADER("upgrade", "Upgrade"),
	HEADER("transfer_encoding", "Transfer-Encoding"),
	HEADER("cache_control", "Cache-Control"),
	HEADER("date", "Date"),
	HEADER("last_modified", "Last-Modified"),
	HEADER("location", "Location"),
	HEADER("server", "Server"),
	HEADER("sec_websocket_accept", "Sec-WebSocket-Accept"),
	HEADER("sec_websocket_extensions", "Sec-WebSocket-Extensions"),
	HEADER("sec_websocket_key", "Sec-WebSocket-Key"),
	HEADER("sec_websocket_protocol", "Sec-WebSocket-Protocol"),
	HEADER("sec_websocket_version", "Sec-WebSocket-Version"),
};

int http_header_find(struct text name)
{
	for (int i = 0; i < N_HTTP_HEADERS; i++)
		if (text_is(name, http_header_rows[i].title))
			return i;
	return -1;
}
