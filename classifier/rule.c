/* rule: rule files into structs. */
#include "config.h"

#include "classifier/rule.h"

#include "base/mem.h"
#include "classifier/classify.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfuse reports through a function that knows only the parsed section.
 * Every section carries this pointer in a hidden option, so that two loads
 * never share state. */
#define CONTEXT "-context"

static cfg_opt_t context_option(struct error **error)
{
    /* A pointer without a parse function: no file can set it. */
    return (cfg_opt_t){.name = CONTEXT, .type = CFGT_PTR, .simple_value.ptr = (void **)error};
}

static void on_error(cfg_t *cfg, const char *format, va_list ap)
{
    cfg_opt_t *option = cfg_getopt(cfg, CONTEXT);
    struct error *error = option ? *(struct error **)option->simple_value.ptr : NULL;
    char text[256];

    if (!error || error->code)
        return;
    vsnprintf(text, sizeof(text), format, ap);
    error_set(error, ERROR_INPUT, "%s:%d: %s", cfg->filename ? cfg->filename : "?", cfg->line,
              text);
}

static struct strings take_strings(cfg_t *section, const char *name)
{
    struct strings strings;
    size_t i;

    strings.count = cfg_size(section, name);
    strings.list = xcalloc(strings.count + 1, sizeof(*strings.list));
    for (i = 0; i < strings.count; i++)
        strings.list[i] = xstrdup(cfg_getnstr(section, name, (unsigned)i));
    return strings;
}

void strings_free(struct strings *strings)
{
    size_t i;

    for (i = 0; i < strings->count; i++)
        free(strings->list[i]);
    free(strings->list);
    strings->list = NULL;
    strings->count = 0;
}

/* Where the section begins: libconfuse remembers where it ends. */
static int line_of(const char *text, cfg_t *section)
{
    const char *kind = cfg_name(section), *title = cfg_title(section);
    size_t length = strlen(title);
    int line = 1;

    for (; *text; text++, line++) {
        text += strspn(text, " \t");
        if (!strncmp(text, kind, strlen(kind))) {
            const char *at = text + strlen(kind);

            at += strspn(at, " \t'\"");
            if (!strncmp(at, title, length) && strchr(" \t'\"{\r\n", at[length]))
                return line;
        }
        text += strcspn(text, "\n");
        if (!*text)
            break;
    }
    return section->line;
}

static int bad(cfg_t *section, struct error *error, const char *why, const char *what)
{
    return error_set(error, ERROR_INPUT, "%s:%d: %s \"%s\": %s%s%s", section->filename,
                     section->line, cfg_name(section), cfg_title(section), why, what ? ": " : "",
                     what ? what : "");
}

static int read_stages(cfg_t *section, struct rule *rule, struct error *error)
{
    size_t i;
    int stage;

    for (i = 0; i < cfg_size(section, "stage"); i++) {
        const char *name = cfg_getnstr(section, "stage", (unsigned)i);

        for (stage = STAGE_CONNECT; stage <= STAGE_EOM; stage++)
            if (!strcmp(stage_name((enum stage)stage), name))
                break;
        if (stage > STAGE_EOM)
            return bad(section, error, "no such stage", name);
        rule->stage_mask |= 1u << stage;
    }
    return 0;
}

/* Before RCPT nobody has heard of the recipient: what is refused there in the
 * words of a dead mailbox is the client, its greeting, its login or the sender.
 * Only a host that takes no mail at all may say so at once (RFC 7504). A rule
 * that names its stages knows better. */
static unsigned usual_stages(enum reason reason)
{
    static const unsigned early = 1u << STAGE_CONNECT | 1u << STAGE_HELO | 1u << STAGE_AUTH |
                                  1u << STAGE_TLS | 1u << STAGE_MAIL;

    if (reason_info(reason)->hygiene != HYGIENE_SUPPRESS)
        return 0;
    return ~(reason == REASON_DOMAIN_NOT_ACCEPTING ? early & ~(1u << STAGE_CONNECT) : early);
}

static int read_rule(cfg_t *section, struct rulebook *book, int local, struct error *error)
{
    const char *reason = cfg_getstr(section, "reason");
    struct rule *rule;

    book->rules = xrealloc(book->rules, (book->rule_count + 1) * sizeof(*book->rules));
    rule = &book->rules[book->rule_count++];
    *rule = (struct rule){.local = local, .line = section->line};
    rule->id = xstrdup(cfg_title(section));
    rule->file = xstrdup(section->filename);
    rule->note = xstrdup(cfg_getstr(section, "note"));
    rule->providers = take_strings(section, "provider");
    rule->codes = take_strings(section, "code");
    rule->statuses = take_strings(section, "status");
    rule->patterns = take_strings(section, "pattern");
    rule->examples = take_strings(section, "examples");
    rule->counters = take_strings(section, "not");
    if (strlen(rule->id) >= sizeof(((struct verdict *)0)->rule))
        return bad(section, error, "the id is too long", NULL);
    if (!reason || !reason_from_name(reason, &rule->reason))
        return bad(section, error, "no such reason", reason ? reason : "none given");
    if (!rule->patterns.count)
        return bad(section, error, "has no pattern", NULL);
    if (!rule->examples.count)
        return bad(section, error, "has no example", NULL);
    if (read_stages(section, rule, error) < 0)
        return -1;
    if (!rule->stage_mask)
        rule->stage_mask = usual_stages(rule->reason);
    return 0;
}

static int read_provider(cfg_t *section, struct rulebook *book, struct error *error)
{
    struct provider *provider;

    if (book->provider_count == PROVIDER_MAX)
        return bad(section, error, "too many providers", NULL);
    book->providers =
        xrealloc(book->providers, (book->provider_count + 1) * sizeof(*book->providers));
    provider = &book->providers[book->provider_count++];
    *provider = (struct provider){.line = section->line};
    provider->name = xstrdup(cfg_title(section));
    provider->file = xstrdup(section->filename);
    provider->mx = take_strings(section, "mx");
    provider->domains = take_strings(section, "domain");
    provider->hints = take_strings(section, "hint");
    if (strlen(provider->name) >= sizeof(((struct verdict *)0)->provider))
        return bad(section, error, "the name is too long", NULL);
    return 0;
}

static int read_sections(cfg_t *cfg, const char *text, struct rulebook *book, int local,
                         struct error *error)
{
    cfg_t *section;
    unsigned i;

    for (i = 0; i < cfg_size(cfg, "provider"); i++) {
        section = cfg_getnsec(cfg, "provider", i);
        section->line = line_of(text, section);
        if (read_provider(section, book, error) < 0)
            return -1;
    }
    for (i = 0; i < cfg_size(cfg, "rule"); i++) {
        section = cfg_getnsec(cfg, "rule", i);
        section->line = line_of(text, section);
        if (read_rule(section, book, local, error) < 0)
            return -1;
    }
    return 0;
}

static int parse(cfg_t *cfg, const char *file, const char *text, struct error *error)
{
    FILE *stream = fmemopen((char *)(size_t)text, strlen(text), "r"); /* read only */
    int result;

    if (!stream)
        return error_set(error, ERROR_INPUT, "%s:1: the file is empty", file);
    cfg_set_error_function(cfg, on_error);
    free(cfg->filename);
    cfg->filename = xstrdup(file);
    result = cfg_parse_fp(cfg, stream);
    fclose(stream);
    if (result == CFG_SUCCESS)
        return 0;
    if (!error->code)
        error_set(error, ERROR_INPUT, "%s:%d: cannot be parsed", file, cfg->line);
    return -1;
}

int rulebook_read(struct rulebook *book, const char *file, const char *text, int local,
                  struct error *error)
{
    struct error *context = error;
    cfg_opt_t provider[] = {
        CFG_STR_LIST("mx", NULL, CFGF_NONE), CFG_STR_LIST("domain", NULL, CFGF_NONE),
        CFG_STR_LIST("hint", NULL, CFGF_NONE), context_option(&context), CFG_END(),
    };
    cfg_opt_t rule[] = {
        CFG_STR_LIST("provider", NULL, CFGF_NONE), CFG_STR_LIST("code", NULL, CFGF_NONE),
        CFG_STR_LIST("status", NULL, CFGF_NONE), CFG_STR_LIST("stage", NULL, CFGF_NONE),
        CFG_STR_LIST("pattern", NULL, CFGF_NONE), CFG_STR("reason", NULL, CFGF_NONE),
        CFG_STR_LIST("examples", NULL, CFGF_NONE), CFG_STR_LIST("not", NULL, CFGF_NONE),
        CFG_STR("note", NULL, CFGF_NONE), context_option(&context), CFG_END(),
    };
    cfg_opt_t options[] = {
        CFG_SEC("provider", provider, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("rule", rule, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        context_option(&context), CFG_END(),
    };
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    int result;

    error->code = ERROR_NONE;
    result = parse(cfg, file, text, error);
    if (!result)
        result = read_sections(cfg, text, book, local, error);
    cfg_free(cfg);
    return result;
}

static void rule_free(struct rule *rule)
{
    free(rule->id);
    free(rule->file);
    free(rule->note);
    strings_free(&rule->providers);
    strings_free(&rule->codes);
    strings_free(&rule->statuses);
    strings_free(&rule->patterns);
    strings_free(&rule->examples);
    strings_free(&rule->counters);
}

void rulebook_free(struct rulebook *book)
{
    size_t i;

    for (i = 0; i < book->rule_count; i++)
        rule_free(&book->rules[i]);
    for (i = 0; i < book->provider_count; i++) {
        struct provider *provider = &book->providers[i];

        free(provider->name);
        free(provider->file);
        strings_free(&provider->mx);
        strings_free(&provider->domains);
        strings_free(&provider->hints);
    }
    free(book->rules);
    free(book->providers);
    *book = (struct rulebook){0};
}
