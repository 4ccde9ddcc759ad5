/*
 * lib/dkim/algorithm.h - the signature algorithms of DKIM (RFC 6376 section 3.3, RFC 8301, RFC
 * 8463).
 */
#ifndef POSTHORN_LIB_DKIM_ALGORITHM_H
#define POSTHORN_LIB_DKIM_ALGORITHM_H

/* Every message gets one signature of each. */
enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_ALGORITHMS };

#endif
