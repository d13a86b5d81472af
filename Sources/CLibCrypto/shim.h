#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// What Swift cannot call: macros, calls with variable arguments, and members of unions.

/// A new key on the curve P-256; free it with EVP_PKEY_free.
static inline EVP_PKEY *depot_make_p256_key(void) { return EVP_EC_gen("P-256"); }

/// Adds an extension, written as OpenSSL's configuration writes it. 1 if it was added.
static inline int depot_add_extension(X509 *subject, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int added = X509_add_ext(subject, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/// How many alternative names there are.
static inline int depot_count_names(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}

/// The bytes of an alternative name of the kind that `kind` then says, which is GEN_DNS, GEN_URI
/// or GEN_IPADD; NULL for any other.
static inline const unsigned char *depot_name_bytes(
    const GENERAL_NAMES *names, int index, int *kind, int *length) {
    GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    ASN1_STRING *text = NULL;
    switch (name->type) {
        case GEN_DNS: text = name->d.dNSName; break;
        case GEN_URI: text = name->d.uniformResourceIdentifier; break;
        case GEN_IPADD: text = name->d.iPAddress; break;
        default: return NULL;
    }
    *kind = name->type;
    *length = ASN1_STRING_length(text);
    return ASN1_STRING_get0_data(text);
}

/// Nothing is typed to unlock a key: one that has a password is refused.
static inline int depot_no_password(char *buffer, int size, int writing, void *context) {
    (void)buffer; (void)size; (void)writing; (void)context;
    return -1;
}
