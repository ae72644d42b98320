/*
 * TLS as a client without a socket: OpenSSL between two memory BIOs. Certificates are looked at,
 * not believed; old versions and weak ciphers are welcome, for it is the server that is examined.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "probe/banner_private.h"

#define PIECE	 4096
#define SAFE_MAX 256 /* bytes of a name that are looked at */

struct banner_tls {
	SSL_CTX *context;
};

struct banner_session {
	SSL *ssl;
	BIO *in, *out; /* of @ssl */
	bool shaken;
};

int banner_tls_new(struct banner_tls **ret_tls)
{
	struct banner_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls->context || !SSL_CTX_set_min_proto_version(tls->context, TLS1_VERSION) ||
	    !SSL_CTX_set_cipher_list(tls->context, "ALL:@SECLEVEL=0")) {
		banner_tls_free(tls);
		return -E_UNSUPPORTED;
	}
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_options(tls->context, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
	*ret_tls = tls;
	return 0;
}

struct banner_tls *banner_tls_free(struct banner_tls *tls)
{
	if (tls)
		SSL_CTX_free(tls->context);
	free(tls);
	return NULL;
}

static bool is_address(const char *name)
{
	struct addr a;

	return !addr_parse(name, strlen(name), &a, NULL);
}

struct banner_session *banner_session_new(struct banner_tls *tls, const char *name, bool alpn)
{
	static const unsigned char http[] = "\x08http/1.1";
	struct banner_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ssl = SSL_new(tls->context);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (!s->ssl || !s->in || !s->out) {
		SSL_free(s->ssl);
		BIO_free(s->in);
		BIO_free(s->out);
		free(s);
		return NULL;
	}
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_connect_state(s->ssl);
	if (alpn)
		SSL_set_alpn_protos(s->ssl, http, sizeof(http) - 1);
	if (name && !is_address(name))
		SSL_set_tlsext_host_name(s->ssl, name);
	return s;
}

struct banner_session *banner_session_free(struct banner_session *s)
{
	if (s)
		SSL_free(s->ssl); /* and its BIOs */
	free(s);
	return NULL;
}

/* What went wrong in the last call that returned @result; 0 when it only wants more bytes. */
static int session_error(struct banner_session *s, int result)
{
	unsigned long first = ERR_peek_error();
	int why = SSL_get_error(s->ssl, result), reason = ERR_GET_REASON(first);

	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return 0;
	if (why == SSL_ERROR_ZERO_RETURN)
		return -E_CLOSED;
	/* Reasons from 1000 on are alerts that came. */
	if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET)
		return -E_UNSUPPORTED;
	return s->shaken ? -E_CLOSED : -E_MALFORMED;
}

int banner_session_step(struct banner_session *s, const uint8_t *bytes, size_t len,
			struct buf *plain)
{
	char piece[PIECE];
	int n;

	ERR_clear_error();
	if (len && BIO_write(s->in, bytes, (int)len) != (int)len)
		return -E_MALFORMED;
	if (!s->shaken) {
		n = SSL_do_handshake(s->ssl);
		if (n != 1)
			return session_error(s, n);
		s->shaken = true;
	}
	while (plain->len < plain->max) {
		n = SSL_read(s->ssl, piece, sizeof(piece));
		if (n <= 0) {
			int err = session_error(s, n);

			return err ? err : 1;
		}
		buf_bytes(plain, piece, MIN((size_t)n, plain->max - plain->len));
	}
	return 1;
}

void banner_session_say(struct banner_session *s, const void *bytes, size_t len)
{
	(void)SSL_write(s->ssl, bytes, (int)len); /* into memory; what fails here ends in silence */
	ERR_clear_error();
}

void banner_session_output(struct banner_session *s, struct buf *out)
{
	char piece[PIECE];
	int n;

	while ((n = BIO_read(s->out, piece, sizeof(piece))) > 0)
		buf_bytes(out, piece, (size_t)n);
}

static void add_name(struct buf *names, const void *text, size_t len)
{
	char one[SAFE_MAX];
	size_t before = names->len;

	banner_take(one, sizeof(one), text, len);
	if (!*one)
		return;
	if (before)
		buf_lit(names, ", ");
	buf_str(names, one);
	if (names->err) /* does not fit: nothing of it */
		names->len = before;
}

static void describe_names(X509 *certificate, struct banner_finding *f)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct buf names = buf_in(f->names, sizeof(f->names) - 1);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
		char text[64];
		struct buf address = buf_in(text, sizeof(text));
		const uint8_t *bytes;
		int len;

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		bytes = ASN1_STRING_get0_data(name->d.ia5);
		len = ASN1_STRING_length(name->d.ia5);
		if (name->type == GEN_DNS) {
			add_name(&names, bytes, (size_t)len);
			continue;
		}
		if (len == 4)
			buf_ip4(&address, bytes);
		else if (len == 16)
			buf_ip6(&address, bytes);
		add_name(&names, text, address.len);
	}
	f->names[names.len] = '\0';
	GENERAL_NAMES_free(all);
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

static void describe_certificate(X509 *certificate, struct banner_finding *f)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = -1;

	if (at >= 0)
		len = ASN1_STRING_to_UTF8(
			&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len >= 0)
		banner_take(f->subject, sizeof(f->subject), text, (size_t)len);
	OPENSSL_free(text);
	f->not_before_s = seconds_of(X509_get0_notBefore(certificate));
	f->not_after_s = seconds_of(X509_get0_notAfter(certificate));
	describe_names(certificate, f);
	ERR_clear_error();
}

void banner_session_describe(const struct banner_session *s, struct banner_finding *f)
{
	X509 *certificate = SSL_get1_peer_certificate(s->ssl);
	const unsigned char *alpn;
	unsigned alpn_len;
	const char *version = SSL_get_version(s->ssl);

	if (s->shaken) {
		banner_take(f->tls_version, sizeof(f->tls_version), version, strlen(version));
		SSL_get0_alpn_selected(s->ssl, &alpn, &alpn_len);
		banner_take(f->alpn, sizeof(f->alpn), alpn, alpn_len);
	}
	if (certificate)
		describe_certificate(certificate, f);
	X509_free(certificate);
}
