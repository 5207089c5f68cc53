package main

import (
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/web"
)

// pagesConfig is what the public pages need to know.
func (a *app) pagesConfig() web.PagesConfig {
	c := a.config
	out := web.PagesConfig{
		Source: a.store, Site: c.Site.Name, URL: c.Site.URL, Language: c.Site.Language, Languages: c.Site.Languages,
		Zone: c.Site.TimeZone, Warning: c.Site.Warning, Dir: c.Web.Dir, Log: a.log,
		Keys: []audit.PublicKey{a.key.Public},
	}
	for _, comp := range c.Components {
		out.Components = append(out.Components, web.Component{ID: comp.ID, Name: comp.Name, Group: comp.Group})
	}
	return out
}
