/*
 * authd/talk.c - a conversation of an external worker with the server that knows the password.
 */
#include "authd/talk.h"

int
talk_start_tls(struct talk *t)
{
    const struct tls_check check = {.server_name = t->host};

    if (stream_start_tls_client(t->stream, t->authorities, &check, t->deadline_mono_ms) == 0)
        return 0;
    t->trouble = tls_last_error();
    return -1;
}

enum password_verdict
talk_no_verdict(struct talk *t, const char *trouble)
{
    if (t->trouble == NULL)
        t->trouble = trouble;
    return PASSWORD_NO_MEMORY;
}
