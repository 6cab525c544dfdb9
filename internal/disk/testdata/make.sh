#!/bin/sh
# Makes the images of the tests anew, and tree.txt by the tools of the machine: what the images must hold.
# Wants e2fsprogs, xfsprogs, fdisk, qemu-utils and python3, and no rights.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 - <<'EOF'
import os
def write(path, data):
    os.makedirs(os.path.dirname('tree/' + path), exist_ok=True)
    with open('tree/' + path, 'wb') as f:
        f.write(data)
write('usr/lib/os-release', b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n')
write('etc/passwd', b'root:x:0:0:root:/root:/bin/bash\n')
os.symlink('../usr/lib/os-release', 'tree/etc/os-release')
os.symlink('/usr/lib', 'tree/lib')
os.symlink('loop', 'tree/loop')
os.symlink('/' + 'a' * 200 + '/gone', 'tree/far')
os.makedirs('tree/empty')
for i in range(200):  # more than one block of a folder
    write('many/a-name-that-takes-its-room-%03d' % i, b'%d\n' % i)
write('var/lib/dpkg/status', b'Package: openssl\nStatus: install ok installed\nVersion: 3.0.9-1\nArchitecture: amd64\n\n'
      b'Package: libssl3\nSource: openssl\nStatus: install ok installed\nVersion: 3.0.9-1\nArchitecture: amd64\n')
write('srv/large', b''.join(b'%07d\n' % (i // 100) for i in range(50000)))  # lists of blocks of two levels
with open('tree/srv/sparse', 'wb') as f:  # many extents
    for i in range(150):
        f.seek(i * 8192)
        f.write(b'%04d' % i)
    f.seek(150 * 8192)
    f.write(b'the end')

import hashlib
lines = []
for folder, names, files in os.walk('tree'):
    for name in names + files:
        path = os.path.join(folder, name)
        rel = os.path.relpath(path, 'tree')
        if os.path.islink(path):
            lines.append('%s -> %s' % (rel, os.readlink(path)))
        elif os.path.isdir(path):
            lines.append('%s/' % rel)
        else:
            data = open(path, 'rb').read()
            lines.append('%s %d %s' % (rel, len(data), hashlib.sha256(data).hexdigest()[:16]))
open('tree.txt', 'w').write('\n'.join(sorted(lines)) + '\n')

def proto(folder, name):
    out = ['%s d--755 0 0' % name]
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if os.path.islink(path):
            out.append('%s l--777 0 0 %s' % (entry, os.readlink(path)))
        elif os.path.isdir(path):
            out += proto(path, entry)
        else:
            out.append('%s ---644 0 0 %s' % (entry, os.path.abspath(path)))
    return out + ['$']
open('proto', 'w').write('\n'.join(['/stand/diskboot', '1 1'] + proto('tree', '')) + '\n')
EOF

stamp="-E hash_seed=00000000-0000-4000-8000-000000000001,root_owner=0:0 -U 00000000-0000-4000-8000-000000000002 -q -F -N 512"
mke2fs $stamp -t ext4 -b 1024 -O ^has_journal -d tree ext4.img 4M
e2fsck -fyD ext4.img >/dev/null 2>&1 || true # indexes large folders, and says so by its exit code
mke2fs $stamp -t ext4 -b 4096 -O ^has_journal,inline_data,64bit -d tree ext4-inline.img 6M
mke2fs $stamp -t ext4 -b 1024 -g 1024 -O ^has_journal,meta_bg,^resize_inode,^flex_bg -d tree ext4-meta.img 4M
mke2fs $stamp -t ext2 -b 1024 -I 128 -O ^filetype -d tree ext2.img 4M 2>/dev/null
# XFS wants 300 MB; these are kept as qcow2, which leaves out what was never written.
truncate -s 300M xfs && mkfs.xfs -q -m uuid=00000000-0000-4000-8000-000000000003 -p proto xfs
truncate -s 300M xfs4 && mkfs.xfs -q -m crc=0,uuid=00000000-0000-4000-8000-000000000004 -n ftype=0,size=8192 -b size=1024 -p proto xfs4 2>/dev/null
for image in xfs xfs4; do qemu-img convert -c -O qcow2 $image $image.qcow2; done

truncate -s 8M gpt.img
printf 'label: gpt\nlabel-id: 00000000-0000-4000-8000-000000000005\nstart=2048,size=2048,type=21686148-6449-6E6F-744E-656564454649\nstart=4096,size=8192,type=0FC63DAF-8483-4772-8E79-3D69D8477DE4,name=root\n' | sfdisk -q gpt.img
dd if=ext4.img of=gpt.img bs=512 seek=4096 conv=notrunc status=none
truncate -s 16M mbr.img
printf 'label: dos\nlabel-id: 0x12345678\nstart=2048,size=2048,type=82\nstart=4096,size=28000,type=5\nstart=6144,size=8192,type=83\n' | sfdisk -q mbr.img
dd if=ext4.img of=mbr.img bs=512 seek=6144 conv=notrunc status=none
qemu-img convert -O qcow2 gpt.img gpt.qcow2
qemu-img convert -c -O qcow2 gpt.img gpt-deflate.qcow2
qemu-img convert -c -O qcow2 -o compression_type=zstd gpt.img gpt-zstd.qcow2
qemu-img convert -O vmdk gpt.img gpt.vmdk
qemu-img convert -O vmdk -o subformat=streamOptimized gpt.img gpt-stream.vmdk
qemu-img convert -O vpc -o force_size gpt.img gpt.vhd
qemu-img convert -O vpc -o subformat=fixed,force_size gpt.img gpt-fixed.vhd
echo '<Envelope/>' > gpt.ovf
tar --format=ustar --owner=0 --group=0 --mtime=@0 -cf gpt.ova gpt.ovf gpt-stream.vmdk

for image in *.img *.qcow2 *.vmdk *.vhd *.ova; do gzip -9 -n -c "$image" > "$here/$image.gz"; done
cp tree.txt "$here/tree.txt"
