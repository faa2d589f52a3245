/* Stands in for a compiler: takes the time that the file "sleep_ms" beside it asks for, and writes an object of known
   bytes to the file after -o and dependencies to the one after -MF; with -E it writes text of known bytes instead. Reads
   no source. What asks about the compiler itself, as include servers do once, is answered by the one in REAL. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char object[1536], text[2048];

static int write_all(int fd, const char *bytes, size_t length) {
  return write(fd, bytes, length) == (ssize_t)length ? 0 : 1;
}

/* An object without sections, for a reader that looks. */
static void make_object(void) {
  Elf64_Ehdr header = {.e_type = ET_REL, .e_machine = EM_X86_64, .e_version = EV_CURRENT};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_ehsize = sizeof header;
  memcpy(object, &header, sizeof header);
}

static void make_text(void) {
  static const char line[] = "static int answer(int x) { return x; }\n";
  for (size_t at = 0; at < sizeof text; at++) text[at] = line[at % (sizeof line - 1)];
  text[sizeof text - 1] = '\n';
}

static void take_time(void) {
  char path[4096], digits[16] = "";
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
  if (length <= 0) return;
  path[length] = 0;
  strcpy(strrchr(path, '/'), "/sleep_ms");
  int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  if (read(fd, digits, sizeof digits - 1) > 0) usleep(1000 * (useconds_t)atoi(digits));
  close(fd);
}

static int asks(const char *word) {
  return !strcmp(word, "-v") || !strcmp(word, "-dM") || !strcmp(word, "-");
}

static void ask_the_real_one(char **argv) {
  const char *slash = strrchr(argv[0], '/');
  char path[4096] = REAL "/";
  strncat(path, slash ? slash + 1 : argv[0], sizeof path - sizeof REAL - 1);
  argv[0] = path; /* or it would look for its parts beside us */
  execv(path, argv);
}

int main(int argc, char **argv) {
  const char *output = NULL, *dependencies = NULL;
  int preprocess = 0;
  for (int i = 1; i < argc; i++) {
    if (asks(argv[i])) ask_the_real_one(argv);
    if (!strcmp(argv[i], "-E")) preprocess = 1;
    if (!strcmp(argv[i], "-MF") && i + 1 < argc) dependencies = argv[++i];
    else if (!strcmp(argv[i], "-o") && i + 1 < argc) output = argv[++i];
  }
  int fd = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666) : STDOUT_FILENO;
  if (fd < 0) return 1;
  if (preprocess) {
    make_text();
    return write_all(fd, text, sizeof text);
  }
  take_time();
  if (dependencies) {
    int written = open(dependencies, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (written < 0 || write_all(written, "a.o: a.c\n", 9)) return 1;
    close(written);
  }
  make_object();
  return write_all(fd, object, sizeof object);
}
