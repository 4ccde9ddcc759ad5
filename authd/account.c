/*
 * authd/account.c - what accountd said about the user of one login, copied.
 */
#include "authd/account.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/base/mem.h"

static bool
has_nul(struct slice s)
{
    return slice_index(s, '\0') < s.len;
}

int
account_set(struct account *account, const struct accountd_login_reply *reply)
{
    *account = (struct account){.known = reply->state == ACCOUNTD_LOGIN_OK ||
                                         reply->state == ACCOUNTD_LOGIN_DISABLED ||
                                         reply->state == ACCOUNTD_LOGIN_PASSWORD,
                                .later = reply->state == ACCOUNTD_LOGIN_LATER};
    if (has_nul(reply->user) || has_nul(reply->path) || has_nul(reply->password) ||
        has_nul(reply->full_name) || has_nul(reply->password_changed) || has_nul(reply->place) ||
        has_nul(reply->access) || reply->password.len > PASSWORD_RECORD_MAX ||
        (account->known && reply->user.len == 0))
        return -1;
    if (!account->known) {
        account->user = reply->user.len > 0 ? xslicedup(reply->user) : NULL;
        return 0;
    }
    account->enabled = reply->state == ACCOUNTD_LOGIN_OK || reply->state == ACCOUNTD_LOGIN_PASSWORD;
    account->password_over = reply->state == ACCOUNTD_LOGIN_PASSWORD;
    account->rights = reply->rights & ~(uint32_t)(ACCOUNTD_MORE_MEANS | ACCOUNTD_HAS_TOTP);
    account->has_totp = (reply->rights & ACCOUNTD_HAS_TOTP) != 0;
    account->more_means = (reply->rights & ACCOUNTD_MORE_MEANS) != 0;
    account->has_folders = reply->has_folders;
    account->quota_bytes = reply->quota_bytes;
    account->quota_messages = reply->quota_messages;
    account->user = xslicedup(reply->user);
    account->path = xslicedup(reply->path);
    account->full_name = xslicedup(reply->full_name);
    account->password_changed = xslicedup(reply->password_changed);
    account->place = xslicedup(reply->place);
    account->access = xslicedup(reply->access);
    account->record = xslicedup(reply->password);
    return 0;
}

void
account_clear(struct account *account)
{
    if (account->record != NULL)
        mem_wipe(account->record, strlen(account->record));
    free(account->user);
    free(account->path);
    free(account->full_name);
    free(account->password_changed);
    free(account->place);
    free(account->access);
    free(account->record);
    *account = (struct account){.known = false};
}
