"""Simulates the machines of a pool with network namespaces. A cable connects each one to a switch.

The namespaces have no names, only descriptors of this process, so the kernel removes them when this
process ends. This process first moves into a namespace of its own, so nothing on the host changes.
Without namespaces, all servers share this machine and no cable can be cut.
"""
import ctypes
import os
import shutil
import signal
import subprocess

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)

IP = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class NoNetworks(Exception):
    """Network namespaces are not available; the text says why."""


def call(function, *arguments):
    if function(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def start(command, machine, **how):
    """Starts a process on a machine. It dies with this process and gets no signal of the terminal."""

    def prepare():
        call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        machine.enter()

    return subprocess.Popen(command, preexec_fn=prepare, start_new_session=True, **how)


class Machine:
    """address: for other machines to connect to. own_address: for this machine to bind to."""

    def __init__(self, name, address="127.0.0.1", namespace=None):
        self.name = name
        self.address = address
        self.own_address = "*" if namespace else address
        self.namespace = namespace

    def enter(self):
        if self.namespace:
            call(libc.setns, self.namespace, CLONE_NEWNET)

    def ip(self, words):
        with start([IP, *words.split()], self, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   text=True) as process:
            printed = process.communicate()[0]
        if process.returncode != 0:
            raise RuntimeError(f"ip {words} (on {self.name}): {printed.strip()}")


class Loopback:
    """Stands for Network without namespaces: every machine is this machine."""

    def machine(self, name):
        return Machine(name)


def become_root():
    """If the user is not root, enters a user namespace, in which it may make networks."""
    if os.geteuid() == 0:
        return
    user, group = os.geteuid(), os.getegid()
    call(libc.unshare, CLONE_NEWUSER)
    maps = {"setgroups": "deny", "uid_map": f"0 {user} 1", "gid_map": f"0 {group} 1"}
    for file, text in maps.items():
        with open(f"/proc/self/{file}", "w", encoding="ascii") as proc:
            proc.write(text)


def namespace_new():
    """Moves this thread to a new network namespace and returns its descriptor."""
    call(libc.unshare, CLONE_NEWNET)
    return os.open("/proc/self/ns/net", os.O_RDONLY)


class Network:
    """A switch and its machines. This process runs on the machine `home`."""

    def __init__(self):
        if not IP:
            raise NoNetworks("no iproute2")
        try:
            become_root()
            switch = namespace_new()
            home = namespace_new()
        except OSError as error:
            raise NoNetworks(f"network namespaces are not permitted: {error}") from error
        self.machines = 0
        self.switch = Machine("switch", namespace=switch)
        self.switch.ip("link add switch type bridge")
        self.switch.ip("link set switch up")
        self.home = self.plug(Machine("home", namespace=home))

    def plug(self, machine):
        self.machines += 1
        machine.address = f"10.197.0.{self.machines}"
        machine.port = f"port{self.machines}"
        descriptor = f"/proc/{os.getpid()}/fd/{machine.namespace}"
        self.switch.ip(f"link add {machine.port} type veth peer name cable netns {descriptor}")
        self.switch.ip(f"link set {machine.port} up master switch")
        machine.ip(f"address add {machine.address}/24 dev cable")
        machine.ip("link set cable up")
        machine.ip("link set lo up")
        return machine

    def machine(self, name):
        namespace = namespace_new()
        self.home.enter()
        return self.plug(Machine(name, namespace=namespace))

    def cut(self, machine):
        """Takes the cable down. The machine notices."""
        machine.ip("link set cable down")

    def reconnect(self, machine):
        machine.ip("link set cable up")

    def unplug(self, machine):
        """Drops all packets at the switch. Neither end notices."""
        self.switch.ip(f"link set {machine.port} nomaster")

    def plug_in(self, machine):
        self.switch.ip(f"link set {machine.port} master switch")
