/*
 * lib/auth/saslprep.c - the form of a password that SCRAM hashes (GNU SASL and libidn behind it).
 */
#include "lib/auth/saslprep.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

int
saslprep(struct slice password, struct strbuf *out)
{
    char *text, *prepared = NULL;
    int rc = -1;

    if (parse_is_ascii_print(password)) /* SASLprep leaves it as it is */
        return strbuf_append(out, password) ? 0 : -1;
    if (slice_index(password, '\0') < password.len || !parse_is_utf8(password))
        return -1;
    text = xslicedup(password);
    if (gsasl_saslprep(text, GSASL_ALLOW_UNASSIGNED, &prepared, NULL) == GSASL_OK) {
        rc = strbuf_str(out, prepared) ? 0 : -1;
        mem_wipe(prepared, strlen(prepared));
        gsasl_free(prepared);
    }
    mem_wipe(text, password.len);
    free(text);
    return rc;
}
