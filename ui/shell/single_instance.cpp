// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/single_instance.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QCryptographicHash>
#include <QFile>
#include <QSocketNotifier>
#include <QTimer>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace kvlink::ui {
namespace {

// The other side is a program of the same user, and still only a stranger.
constexpr qsizetype kMaxMessage = 1 << 20;
constexpr int kPatienceMs = 500;
constexpr int kMaxCallMs = 2000;  ///< for a whole message
constexpr int kReplyMs = 5000;    ///< a window may be busy for a moment
constexpr char kTaken = '+';
constexpr qsizetype kMaxCallers = 8;
constexpr char kGreeting[] = "kvlink 1";

/// Empty when the path does not fit into a socket's address.
bool address_of(const QString& path, sockaddr_un& address) {
  const QByteArray name = QFile::encodeName(path);
  address = {};
  address.sun_family = AF_UNIX;
  if (name.isEmpty() || static_cast<std::size_t>(name.size()) >= sizeof(address.sun_path)) {
    return false;
  }
  std::memcpy(address.sun_path, name.constData(), static_cast<std::size_t>(name.size()));
  return true;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool is_same_user(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::getuid();
}

bool wait_for(int descriptor, short events, int milliseconds = kPatienceMs) {
  pollfd waiting{descriptor, events, 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

/// Whether the other side says that it has the message.
bool is_taken(int descriptor) {
  char reply = 0;
  return ::shutdown(descriptor, SHUT_WR) == 0 && wait_for(descriptor, POLLIN, kReplyMs) &&
         ::recv(descriptor, &reply, 1, 0) == 1 && reply == kTaken;
}

bool send_all(int descriptor, const QByteArray& bytes) {
  qsizetype sent = 0;
  while (sent < bytes.size()) {
    if (!wait_for(descriptor, POLLOUT)) return false;
    const auto n = ::send(descriptor, bytes.constData() + sent,
                          static_cast<std::size_t>(bytes.size() - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

/// The paths of a whole message; nothing of one that is something else.
std::optional<std::vector<QString>> paths_in(const QByteArray& message) {
  const QList<QByteArray> parts = message.split('\0');
  if (parts.front() != kGreeting) return std::nullopt;
  std::vector<QString> paths;
  for (const auto& part : parts.mid(1)) {
    const QString path = QString::fromUtf8(part);
    if (path.startsWith(QLatin1Char('/'))) paths.push_back(path);
  }
  return paths;
}

int make_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

/// One that has called and not said everything yet. The window does not wait for it: what there is
/// is taken as it comes, until the other side closes or the time is over.
class SingleInstance::Caller : public QObject {
 public:
  Caller(SingleInstance& instance, int descriptor)
      : QObject(&instance),
        instance_(instance),
        descriptor_(descriptor),
        arrives_(descriptor, QSocketNotifier::Read) {
    connect(&arrives_, &QSocketNotifier::activated, this, &Caller::take);
    QTimer::singleShot(kMaxCallMs, this, &Caller::end);
  }
  ~Caller() override {
    arrives_.setEnabled(false);
    ::close(descriptor_);
  }

 private:
  void take() {
    char buffer[4096];
    const auto n = ::recv(descriptor_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0 && message_.size() + n <= kMaxMessage) {
      message_.append(buffer, n);
      return;
    }
    const auto paths = n == 0 ? paths_in(message_) : std::nullopt;
    if (paths) ::send(descriptor_, &kTaken, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    end();
    if (paths) emit instance_.handed_over(*paths);
  }

  void end() {
    arrives_.setEnabled(false);
    deleteLater();
  }

  SingleInstance& instance_;
  int descriptor_;
  QSocketNotifier arrives_;
  QByteArray message_;
};

SingleInstance::SingleInstance(const QString& runtime_folder, const QString& data_folder,
                               QObject* parent)
    : QObject(parent) {
  if (runtime_folder.isEmpty()) return;
  const auto name =
      QCryptographicHash::hash(data_folder.toUtf8(), QCryptographicHash::Sha256).toHex().left(16);
  path_ = runtime_folder + QStringLiteral("/kvlink-%1.socket").arg(QLatin1String(name));
}

SingleInstance::~SingleInstance() { close(); }

void SingleInstance::close() {
  qDeleteAll(findChildren<QObject*>(QString(), Qt::FindDirectChildrenOnly));
  if (listener_ < 0) return;
  notifier_.reset();
  ::close(std::exchange(listener_, -1));
  QFile::remove(path_);
}

bool SingleInstance::hand_over(const std::vector<QString>& paths) const {
  sockaddr_un address;
  if (!address_of(path_, address)) return false;
  const int descriptor = make_socket();
  if (descriptor < 0) return false;
  bool done = false;
  if (::connect(descriptor, generic(address), sizeof(address)) == 0 && is_same_user(descriptor)) {
    QByteArray message(kGreeting);
    for (const auto& path : paths) message += '\0' + path.toUtf8();
    done = send_all(descriptor, message) && is_taken(descriptor);
  }
  ::close(descriptor);
  return done;
}

bool SingleInstance::listen() {
  sockaddr_un address;
  if (!address_of(path_, address)) return false;
  listener_ = make_socket();
  if (listener_ < 0) return false;
  // Left by a process that was killed: hand_over() found nobody behind it.
  QFile::remove(path_);
  const bool listening =
      ::bind(listener_, generic(address), sizeof(address)) == 0 && ::listen(listener_, 4) == 0;
  if (!listening) {
    ::close(listener_);
    listener_ = -1;
    return false;
  }
  QFile::setPermissions(path_, QFile::ReadOwner | QFile::WriteOwner);
  notifier_ = std::make_unique<QSocketNotifier>(listener_, QSocketNotifier::Read);
  connect(notifier_.get(), &QSocketNotifier::activated, this, &SingleInstance::accept_one);
  return true;
}

void SingleInstance::accept_one() {
  const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) return;
  const auto n_callers = findChildren<QObject*>(QString(), Qt::FindDirectChildrenOnly).size();
  if (n_callers < kMaxCallers && is_same_user(descriptor)) {
    new Caller(*this, descriptor);
  } else {
    ::close(descriptor);
  }
}

}  // namespace kvlink::ui
