#include "dagrad/nn/io/atomic_file.h"

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dagrad/core/error.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::io {
namespace {

namespace fs = std::filesystem;
using AtomicFileTest = ScratchFolder;

TEST_F(AtomicFileTest, AppearsWholeOrNotAtAll) {
  const fs::path file = write("a", "old");
  {
    AtomicFile out(file);
    out.write("new");
    out.write(std::string(1 << 20, 'x'));
    EXPECT_EQ(out.position(), (1u << 20) + 3);
    EXPECT_EQ(content(file), "old");
    EXPECT_EQ(file_count(), 2u);
  }
  EXPECT_EQ(content(file), "old");
  EXPECT_EQ(file_count(), 1u);  // given up: nothing is left behind
  write_file(file, "new");
  EXPECT_EQ(content(file), "new");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(AtomicFileTest, ChangesWhatWasWritten) {
  AtomicFile out(folder_ / "a");
  out.write("0123456789");
  out.overwrite(3, std::as_bytes(std::span("xy", 2)));
  out.write("!");
  expect_error<UsageError>([&] { out.overwrite(10, std::as_bytes(std::span("xy", 2))); },
                           "AtomicFile: bytes 10 to 12 are to be overwritten (want at most the 11 written)");
  out.commit();
  EXPECT_EQ(content(folder_ / "a"), "012xy56789!");
  expect_error<UsageError>([&] { out.commit(); }, "AtomicFile: committed twice");
}

TEST_F(AtomicFileTest, KeepsPermissionsAndLinks) {
  const fs::path file = write("a", "old");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  fs::create_symlink("a", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(content(file), "new");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const mode_t before = umask(022);
  write_file(folder_ / "fresh", "");
  umask(before);
  EXPECT_EQ(static_cast<unsigned>(fs::status(folder_ / "fresh").permissions()), 0644u);
}

/// Begins to write `file` in another process, which is killed while it does.
void write_and_be_killed(const fs::path& file) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    AtomicFile out(file);
    out.write(std::string(1 << 20, 'x'));
    if (::write(told[1], ".", 1) == 1) pause();
    _exit(7);
  }
  char dot = 0;
  ASSERT_EQ(read(told[0], &dot, 1), 1);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  close(told[0]);
  close(told[1]);
}

TEST_F(AtomicFileTest, RemovesWhatAKilledProcessLeftBehind) {
  const fs::path file = write("a", "old");
  write_and_be_killed(file);
  if (HasFatalFailure()) return;
  write_and_be_killed(folder_ / "b");
  if (HasFatalFailure()) return;
  ASSERT_EQ(file_count(), 3u);
  write_file(file, "new");
  EXPECT_EQ(file_count(), 2u) << "what is left is not the other file's";
  write_file(folder_ / "b", "new");
  EXPECT_EQ(file_count(), 2u);
  EXPECT_EQ(content(file), "new");
}

TEST_F(AtomicFileTest, LeavesAloneWhatIsWrittenNowAndWhatIsNotItsOwn) {
  AtomicFile slow(folder_ / "a");
  slow.write("slow");
  const std::vector<std::string> others = {".a.12345678",          ".a.1234567.part",  ".a.123456789.part",
                                           ".a.1234567g.part",     ".b.12345678.part", "a.12345678.part",
                                           ".a.12345678.part.old", ".a.part"};
  for (const std::string& name : others) write(name, "mine");
  fs::create_directory(folder_ / ".a.00000000.part");
  fs::create_symlink(".a.part", folder_ / ".a.00000001.part");
  write(".a.00000002.part", "left behind");

  write_file(folder_ / "a", "quick");
  EXPECT_EQ(content(folder_ / "a"), "quick");
  for (const std::string& name : others) EXPECT_EQ(content(folder_ / name), "mine") << name;
  EXPECT_TRUE(fs::is_directory(folder_ / ".a.00000000.part"));
  EXPECT_TRUE(fs::is_symlink(folder_ / ".a.00000001.part"));
  EXPECT_FALSE(fs::exists(folder_ / ".a.00000002.part"));
  slow.commit();
  EXPECT_EQ(content(folder_ / "a"), "slow");
}

TEST_F(AtomicFileTest, SaysWhyNot) {
  expect_error<IoError>([&] { AtomicFile out(folder_); }, folder_.string() + ": is a folder (want a file)");
  expect_error<IoError>([] { AtomicFile out("/dev/null"); },
                        "/dev/null: is no regular file (want one that may be replaced)");
  const fs::path nowhere = folder_ / "none" / "a";
  expect_error<IoError>([&] { AtomicFile out(nowhere); }, nowhere.string() + ": its folder does not exist");
  fs::create_symlink("none", folder_ / "link");
  expect_error<IoError>([&] { AtomicFile out(folder_ / "link"); },
                        (folder_ / "link").string() + ": is a symbolic link to nothing");
}

}  // namespace
}  // namespace dagrad::io
