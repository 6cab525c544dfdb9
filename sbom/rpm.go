package sbom

import (
	"errors"
	"fmt"
	"os"

	rpmdb "github.com/anchore/go-rpmdb/pkg"
	_ "modernc.org/sqlite" // the driver that the reader of newer databases asks database/sql for

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// rpmDatabases are the places of the database of installed packages in a root file system, newest form first. They are
// binary and have no lines. Syft's own library reads them: its cataloger around it works only inside of Syft.
var rpmDatabases = []string{
	"usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite",
	"usr/lib/sysimage/rpm/Packages.db", "var/lib/rpm/Packages.db",
	"usr/lib/sysimage/rpm/Packages", "var/lib/rpm/Packages",
}

// rpmFormat stands for the database in the readings of a tree; it claims nothing by itself.
var rpmFormat = &ecosystem.Format{Name: "rpm database", LockFile: true}

// readRPM returns what rpm has installed in a root file system; nothing where the tree is none.
func readRPM(tree *inventory.Tree) (r reading) {
	for _, name := range rpmDatabases {
		if tree.Has(name) {
			r.claim = claim{name, ecosystem.RedHat, rpmFormat}
			r.doc, r.files, r.notices = rpmDocument(tree, name)
			return r
		}
	}
	return r
}

func rpmDocument(tree *inventory.Tree, name string) (doc *ecosystem.Document, files []string, notices []inventory.Notice) {
	defer func() {
		if p := recover(); p != nil { // every file of a scanned tree is hostile
			doc, files, notices = nil, nil, append(notices, unreadable(name, fmt.Errorf("the reader of rpm databases gave up: %v", p)))
		}
	}()
	system, err := ecosystem.ReadOS(tree)
	if err != nil {
		return nil, nil, []inventory.Notice{unreadable(name, err)}
	}
	found, err := rpmPackages(tree, name)
	if err != nil {
		notices = append(notices, unreadable(name, err))
	}
	doc = &ecosystem.Document{Root: system.ID}
	for _, p := range found {
		if p == nil || p.Name == "gpg-pubkey" { // a key of the distribution, kept as a package
			continue
		}
		version := p.Version + "-" + p.Release
		if p.Epoch != nil && *p.Epoch != 0 {
			version = fmt.Sprintf("%d:%s", *p.Epoch, version)
		}
		entry := ecosystem.Entry{
			Name: p.Name, Version: version, Location: inventory.Location{Path: name}, Scope: inventory.ScopeRuntime,
			Origin: inventory.OriginRegistry, Ecosystem: system.Ecosystem, Release: system.Release,
			PURL: system.PackageURL(p.Name, version, p.Arch),
		}
		if p.License != "" {
			entry.Licenses = []string{p.License}
		}
		doc.Entries = append(doc.Entries, entry)
		if tree.System() {
			if owned, err := p.InstalledFileNames(); err == nil { // one that says it wrongly owns nothing
				files = append(files, owned...)
			}
		}
	}
	return doc, files, notices
}

// rpmPackages reads a database. The library wants a file of the system, and gets a copy that is gone afterwards.
func rpmPackages(tree *inventory.Tree, name string) (list []*rpmdb.PackageInfo, err error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, errors.New("the database is empty")
	}
	f, err := os.CreateTemp("", "trifecta-rpmdb-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	if _, err := f.Write(data); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := rpmdb.Open(f.Name())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.ListPackages()
}
