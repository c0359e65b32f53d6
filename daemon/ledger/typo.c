/* See typo.h. */
#include "config.h"

#include "daemon/ledger/typo.h"

#include <stddef.h>
#include <string.h>

#define LENGTH_MIN 8

/* The domains that most mailboxes of consumers are at, the most frequent first;
 * those that are neighbours of others stand here so as not to be taken for them. */
static const char *const known[] = {
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "googlemail.com", "live.com", "aol.com",
    "msn.com", "ymail.com", "rocketmail.com", "mail.com", "email.com", "me.com", "mac.com", "protonmail.com",
    "proton.me", "gmx.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de",
    "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.es", "hotmail.co.uk", "outlook.de", "outlook.fr", "outlook.es",
    "outlook.it", "live.de", "live.fr", "live.it", "live.nl", "live.co.uk", "yahoo.de", "yahoo.fr", "yahoo.it",
    "yahoo.es", "yahoo.ca", "yahoo.in", "yahoo.co.uk", "yahoo.co.in", "yahoo.co.jp", "yahoo.com.br", "yahoo.com.mx",
    "yahoo.com.ar", "yahoo.com.au", "orange.fr", "wanadoo.fr", "laposte.net", "free.fr", "sfr.fr", "libero.it",
    "virgilio.it", "tiscali.it", "alice.it", "comcast.net", "verizon.net", "att.net", "sbcglobal.net",
    "bellsouth.net", "charter.net", "cox.net", "btinternet.com", "sky.com", "mail.ru", "yandex.ru", "yandex.com",
    "bk.ru", "list.ru", "inbox.ru", "rambler.ru", "seznam.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "ziggo.nl",
    "bluewin.ch", "telenet.be", "skynet.be", "uol.com.br", "bol.com.br", "terra.com.br", "bigpond.com",
    "rediffmail.com", "qq.com", "163.com", "126.com", "sina.com", "naver.com", "daum.net", "hanmail.net",
    "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp", "zoho.com", "fastmail.com", "hey.com", NULL};

/* What is left behind the letters that both have in common at the start and at
 * the end tells the slip. */
static int is_one_slip(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), start = 0, end = 0;

    while (start < la && start < lb && a[start] == b[start])
        start++;
    while (end < la - start && end < lb - start && a[la - 1 - end] == b[lb - 1 - end])
        end++;
    la -= start + end;
    lb -= start + end;
    if (la <= 1 && lb <= 1)
        return la + lb > 0;
    return la == 2 && lb == 2 && a[start] == b[start + 1] && a[start + 1] == b[start];
}

const char *typo_meant(const char *domain)
{
    size_t length = strlen(domain);

    for (size_t i = 0; known[i]; i++)
        if (!strcmp(known[i], domain))
            return NULL;
    for (size_t i = 0; known[i]; i++) {
        size_t meant = strlen(known[i]);

        if (meant >= LENGTH_MIN && length + 1 >= meant && length <= meant + 1 && is_one_slip(known[i], domain))
            return known[i];
    }
    return NULL;
}
