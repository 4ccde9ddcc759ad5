/*
 * authd/pam_check.c - has a password checked by PAM: authentication and account management.
 */
#include "authd/pam_check.h"

#include <security/pam_appl.h>
#include <stdlib.h>

#include "lib/base/mem.h"

/* Every question without an echo is for the password, and there is nobody to ask another. */
static int
answer(int count, const struct pam_message **messages, struct pam_response **responses, void *arg)
{
    struct pam_response *list;

    if (count < 1 || count > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    list = calloc((size_t)count, sizeof(*list)); /* PAM frees it */
    for (int i = 0; list != NULL && i < count; i++)
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            list[i].resp = xstrdup(arg);
    *responses = list;
    return list == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static enum password_verdict
verdict_of(int rc)
{
    switch (rc) {
    case PAM_SUCCESS:
        return PASSWORD_RIGHT;
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_ACCT_EXPIRED:
    case PAM_PERM_DENIED:
    case PAM_CRED_INSUFFICIENT:
    case PAM_NEW_AUTHTOK_REQD:
        return PASSWORD_WRONG;
    default:
        return PASSWORD_NO_MEMORY;
    }
}

enum password_verdict
pam_check(struct slice service, struct slice name, struct slice password, const char **trouble)
{
    char *service_text = xslicedup(service), *user = xslicedup(name), *secret = xslicedup(password);
    const struct pam_conv conversation = {answer, secret};
    pam_handle_t *pam = NULL;
    int rc = pam_start(service_text, user, &conversation, &pam);

    if (rc == PAM_SUCCESS)
        rc = pam_authenticate(pam, PAM_SILENT);
    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pam, PAM_SILENT);
    *trouble =
        pam == NULL ? "PAM cannot be started" : pam_strerror(pam, rc); /* a constant of PAM's */
    if (pam != NULL)
        (void)pam_end(pam, rc);
    mem_wipe(secret, password.len);
    free(secret);
    free(user);
    free(service_text);
    return verdict_of(rc);
}
