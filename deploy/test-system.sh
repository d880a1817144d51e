# What the tests need of the system: a MariaDB server to start privately, and
# the libraries of Qt. Sourced by 'make test'.
source deploy/boot.sh

mapfile -t packages < <(missing_packages)
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || packages+=(mariadb-server)
if [ ${#packages[@]} -gt 0 ]; then
    install_packages "${packages[@]}"
fi
