/*
 * lib/queue/approval_token.h - a decision about a message that waits for approval, signed: the
 * local part of a mail address, or a piece of a link.
 *
 *     approve.0gT3kQm1aXb9ZyR.2.6928a1f0.pk0q7Fh2m0mJcV1v3b_N-w
 *
 * VERDICT.ID.APPROVER.EXPIRES.MAC: approve or refuse; the queue id; the approver's number in the
 * message's record; seconds since 1970 in eight hex digits; the first 128 bits of HMAC-SHA256
 * (RFC 2104 section 5) over what is before, in base64url (RFC 4648 section 5). 64 bytes at most, as
 * a local part has (RFC 5321 section 4.5.3.1.1). Whoever holds it may decide.
 */
#ifndef POSTHORN_LIB_QUEUE_APPROVAL_TOKEN_H
#define POSTHORN_LIB_QUEUE_APPROVAL_TOKEN_H

#include "lib/queue/envelope.h"

#define APPROVAL_TOKEN_MAX 64
#define APPROVAL_KEY_SIZE 32

struct approval_token {
    bool approve;
    char id[QUEUE_ID_SIZE];
    unsigned approver; /* 0 to 99 */
    int64_t expires_s; /* since 1970 */
};

/* Writes the token into `out`. 0, or -1: the id is too long for one. */
int approval_token_make(const struct approval_token *token, const char key[APPROVAL_KEY_SIZE],
                        char out[APPROVAL_TOKEN_MAX + 1]);
/* 0, or -1: `text` has not the form of one. Says nothing about its signature and its time. */
int approval_token_parse(struct slice text, struct approval_token *token);
/* The signature of a text that has the form is ours. */
bool approval_token_is_genuine(struct slice text, const char key[APPROVAL_KEY_SIZE]);
/* Is `address` TOKEN@hostname? Then *text is the token. */
bool approval_token_in_address(struct slice address, const char *hostname, struct slice *text);

#endif
